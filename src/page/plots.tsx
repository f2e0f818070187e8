import type { JSX } from 'preact';
import type { Rates } from './live.js';
import { counted, shown, timeOf } from './text.js';

const HEIGHT = 40;
/** Stretches that are told in one bar. */
const MERGED = 2;

/** What was asked lately, and how long it took; nothing where nothing was asked. */
export function Plots({ rates, name }: { readonly rates: Rates; readonly name: string }): JSX.Element | null {
  const requests = sum(rates.requests);
  if (requests === 0) return null;
  const errors = sum(rates.errors);
  const minutes = Math.round((rates.requests.length * rates.stretchMs) / 60_000);
  const slowest = Math.max(0, ...rates.p99.flatMap((ms) => ms ?? []));
  const latest = rates.p50.findLast((ms) => ms !== null) ?? 0;
  const counts = `${counted(requests, 'request')} in ${minutes} min, ${counted(errors, 'error')}`;
  const times = `latest median ${timeOf(latest)}, slowest 99th percentile ${timeOf(slowest)}`;
  const label = `Server ${shown(name, 100)}`;
  return (
    <div class="plots">
      <figure>
        <Bars all={rates.requests} bad={rates.errors} label={`${label}: ${counts}`} />
        <figcaption>
          {counted(requests, 'request')} in {minutes} min,{' '}
          <span class={errors > 0 ? 'bad' : ''}>{counted(errors, 'error')}</span>
        </figcaption>
      </figure>
      <figure>
        <Lines low={rates.p50} high={rates.p99} label={`${label}: ${times}`} />
        <figcaption>{times}</figcaption>
      </figure>
    </div>
  );
}

interface BarsProps {
  readonly all: readonly number[];
  readonly bad: readonly number[];
  readonly label: string;
}

/** Bars of requests, on which those that failed are drawn over. */
function Bars({ all, bad, label }: BarsProps): JSX.Element {
  const bars = merged(all).map((count, index) => ({ index, count, failed: merged(bad)[index] ?? 0 }));
  const most = Math.max(1, ...bars.map(({ count, failed }) => Math.max(count, failed)));
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${bars.length} ${HEIGHT}`} preserveAspectRatio="none">
      {bars.map(
        ({ index, count, failed }) =>
          count + failed > 0 && (
            <g key={index}>
              <Bar at={index} height={heightOf(count, most)} kind="all" />
              <Bar at={index} height={heightOf(failed, most)} kind="failed" />
            </g>
          ),
      )}
    </svg>
  );
}

interface BarProps {
  readonly at: number;
  readonly height: number;
  readonly kind: string;
}

function Bar({ at, height, kind }: BarProps): JSX.Element {
  return <rect class={kind} x={at} y={HEIGHT - height} width={0.8} height={height} />;
}

/** Few are seen beside many: a bar has one part of the height at least. */
function heightOf(count: number, most: number): number {
  return count === 0 ? 0 : Math.max((count / most) * HEIGHT, 2);
}

interface LinesProps {
  readonly low: Rates['p50'];
  readonly high: Rates['p99'];
  readonly label: string;
}

/** Median and 99th percentile by their logarithms: from 1/4 ms at the bottom. */
function Lines({ low, high, label }: LinesProps): JSX.Element {
  const most = Math.log2(Math.max(1, ...high.flatMap((ms) => ms ?? [])) * 4) * 1.1;
  const y = (ms: number): number => HEIGHT - (Math.log2(Math.max(ms, 0.25) * 4) / most) * HEIGHT;
  const marks = (values: readonly (number | null)[], kind: string): JSX.Element[] =>
    values.flatMap((ms, index) =>
      ms === null
        ? []
        : [<rect key={`${kind}${index}`} class={kind} x={index} y={y(ms) - 1} width={1} height={2} />],
    );
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${low.length} ${HEIGHT}`} preserveAspectRatio="none">
      {marks(high, 'high')}
      {marks(low, 'low')}
    </svg>
  );
}

function merged(counts: readonly number[]): number[] {
  const sums: number[] = [];
  for (let at = 0; at < counts.length; at += MERGED) sums.push(sum(counts.slice(at, at + MERGED)));
  return sums;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
