import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly show: () => JSX.Element;
}

interface TabsProps {
  readonly tabs: readonly Tab[];
  /** An id; that of no tab is the first. */
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

/** Tabs with one panel (WAI-ARIA Authoring Practices, "Tabs Pattern"): arrows go from one to the next. */
export function Tabs({ tabs, chosen, onChoose }: TabsProps): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const found = tabs.findIndex(({ id }) => id === chosen);
  const index = Math.max(found, 0);
  const goTo = (to: number): void => {
    const tab = tabs[(to + tabs.length) % tabs.length];
    if (tab === undefined) return;
    onChoose(tab.id);
    list.current?.querySelector<HTMLElement>(`#tab-${tab.id}`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    goTo(to);
  };
  const current = tabs[index];
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Parts of the page" ref={list} onKeyDown={onKeyDown}>
        {tabs.map(({ id, title }, at) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-controls="panel"
            aria-selected={at === index}
            tabIndex={at === index ? 0 : -1}
            onClick={() => onChoose(id)}
          >
            {title}
          </button>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the pattern asks for it */}
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${current?.id}`} tabIndex={0}>
        {current?.show()}
      </div>
    </>
  );
}
