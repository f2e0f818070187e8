/**
 * The bounds that the OpenTelemetry conventions for MCP advise for durations, in seconds (`docs/gen-ai/mcp.md` there,
 * "Metrics").
 */
export const BOUNDS: readonly number[] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

/** How many durations were how long. Counting one more allocates nothing. */
export class Histogram {
  /** By the first bound that they are not beyond; last those beyond all. Not cumulative. */
  readonly counts = new Float64Array(BOUNDS.length + 1);
  /** In seconds. */
  sum = 0;

  add(seconds: number): void {
    let at = 0;
    while (at < BOUNDS.length && seconds > (BOUNDS[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += seconds;
  }
}
