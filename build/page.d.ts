/** A plugin of the build and of the tests: the page as the module `virtual:page`. */
export function page(): {
  readonly name: string;
  readonly modules: readonly string[];
  resolveId(id: string): string | null;
  load(id: string): Promise<string | null>;
};
