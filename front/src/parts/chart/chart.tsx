import "uplot/dist/uPlot.min.css";
import "./chart.css";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { chart as words } from "../../text/chart";
import type { Bucket, Unit } from "./buckets";

export type ChartTone = "accent" | "good" | "warn" | "bad" | "muted";

export interface Series {
  label: string;
  tone: ChartTone;
  values: number[];
}

interface ChartProps {
  /** What it shows; the table below has the same name. */
  title: string;
  unit: Unit;
  buckets: Bucket[];
  /** Drawn on top of each other, the first at the bottom. */
  series: Series[];
  format: (value: number) => string;
  /** Short, for the axis. */
  axis: (value: number) => string;
  /** Parts of one make sense, as of money. */
  hasParts?: boolean;
}

const HEIGHT = 200;
const LABEL = 64;
// Steps of an axis: 1, 2, 5, 10 and so on.
const WHOLE = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((each) => each * 10 ** power)).flat();
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
const month = new Intl.DateTimeFormat("en", { month: "short", year: "numeric", timeZone: "UTC" });
const whole = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });

const dateOf = (text: string): Date => new Date(`${text}T00:00:00Z`);
const short = (bucket: Bucket, unit: Unit): string => (unit === "month" ? month : day).format(dateOf(bucket.from));
const long = (bucket: Bucket, unit: Unit): string =>
  unit === "day" || bucket.from === bucket.to
    ? whole.format(dateOf(bucket.from))
    : unit === "month"
      ? month.format(dateOf(bucket.from))
      : whole.formatRange(dateOf(bucket.from), dateOf(bucket.to));

/** A variable of the style sheet as a colour that a canvas knows: in the theme that is shown. */
function colourOf(host: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  host.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** What changes when another theme is shown. */
function useThemeKey(): number {
  const [key, setKey] = useState(0);
  useEffect(() => {
    const changed = () => setKey((before) => before + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", changed);
    const watcher = new MutationObserver(changed);
    watcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      dark.removeEventListener("change", changed);
      watcher.disconnect();
    };
  }, []);
  return key;
}

function options(host: HTMLElement, { unit, buckets, series, axis, hasParts = false }: ChartProps, onPoint: (place: number | null) => void): uPlot.Options {
  const text = colourOf(host, "muted");
  const line = colourOf(host, "line");
  const font = `12px ${getComputedStyle(host).fontFamily}`;
  const bars = uPlot.paths.bars?.({ size: [0.8, 48, 1], radius: 0.1 });
  return {
    width: Math.max(host.clientWidth, 120),
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 4, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
    scales: {
      x: { time: false, range: [-0.5, buckets.length - 0.5] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
    },
    axes: [
      {
        stroke: text,
        font,
        size: 30,
        grid: { show: false },
        ticks: { show: false },
        splits: (self) => {
          const step = Math.max(1, Math.ceil(buckets.length / Math.max(1, Math.floor(self.width / LABEL))));
          return buckets.map((_, place) => place).filter((place) => place % step === 0);
        },
        values: (_, places) => places.map((place) => (buckets[place] ? short(buckets[place], unit) : "")),
      },
      { stroke: text, font, size: 56, grid: { stroke: line, width: 1 }, ticks: { show: false }, values: (_, all) => all.map(axis), ...(hasParts ? {} : { incrs: WHOLE }) },
    ],
    series: [
      {},
      // The tallest is drawn first, so that each shows what it adds.
      ...[...series].reverse().map((each) => {
        const colour = colourOf(host, each.tone === "muted" ? "line-strong" : each.tone);
        return { label: each.label, stroke: colour, fill: colour, width: 0, points: { show: false }, ...(bars ? { paths: bars } : {}) };
      }),
    ],
    hooks: { setCursor: [(self) => onPoint(self.cursor.idx ?? null)] },
  };
}

function stacked(series: Series[], length: number): uPlot.AlignedData {
  const sums = Array.from({ length }, () => 0);
  const lines = series.map((each) => each.values.map((value, place) => (sums[place] = (sums[place] ?? 0) + value)));
  return [Array.from({ length }, (_, place) => place), ...lines.reverse()];
}

function Legend({ series }: { series: Series[] }) {
  return (
    <ul className="chart-legend">
      {series.map((each) => (
        <li key={each.label}>
          <span className={`chart-swatch chart-${each.tone}`} aria-hidden="true" />
          {each.label}
        </li>
      ))}
    </ul>
  );
}

function Tip({ bucket, unit, series, place, format, atEnd }: { bucket: Bucket; place: number; atEnd: boolean } & Pick<ChartProps, "unit" | "series" | "format">) {
  return (
    <div className={`chart-tip${atEnd ? "" : " chart-tip-start"}`} aria-hidden="true">
      <strong>{long(bucket, unit)}</strong>
      {series.map((each) => (
        <span key={each.label} className="chart-tip-line">
          <span className={`chart-swatch chart-${each.tone}`} />
          {each.label}
          <span className="number">{format(each.values[place] ?? 0)}</span>
        </span>
      ))}
    </div>
  );
}

function Numbers({ title, unit, buckets, series, format }: ChartProps) {
  return (
    <details className="chart-numbers">
      <summary>{words.table}</summary>
      <div className="chart-scroll" role="group" aria-label={words.tableOf(title)} tabIndex={0}>
        <table className="plain">
          <caption className="hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{words.units[unit]}</th>
              {series.map((each) => (
                <th key={each.label} scope="col" className="number">
                  {each.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {buckets.map((bucket, place) => (
              <tr key={bucket.from}>
                <th scope="row">{long(bucket, unit)}</th>
                {series.map((each) => (
                  <td key={each.label} className="number">
                    {format(each.values[place] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** Bars over time; below them, for whom a picture is nothing, the same numbers as a table. */
export function Chart(props: ChartProps) {
  const { title, unit, buckets, series, format } = props;
  const host = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<number | null>(null);
  const theme = useThemeKey();
  const latest = useRef(props);
  latest.current = props;
  const shape = `${theme} ${unit} ${buckets[0]?.from} ${buckets.length} ${series.map((each) => each.label + each.tone).join("|")}`;
  const data = JSON.stringify(series.map((each) => each.values));
  useEffect(() => {
    const box = host.current;
    if (!box) return;
    const now = latest.current;
    const plot = new uPlot(options(box, now, setPlace), stacked(now.series, now.buckets.length), box);
    const watcher = new ResizeObserver(() => plot.setSize({ width: Math.max(box.clientWidth, 120), height: HEIGHT }));
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      plot.destroy();
      setPlace(null);
    };
  }, [shape, data]);
  const pointed = place === null ? undefined : buckets[place];
  return (
    <figure className="chart" aria-label={title}>
      {series.length > 1 ? <Legend series={series} /> : null}
      <div className="chart-frame">
        <div ref={host} className="chart-canvas" role="img" aria-label={words.picture(title, long(buckets[0] ?? { from: "1970-01-01", to: "1970-01-01" }, unit), long(buckets[buckets.length - 1] ?? { from: "1970-01-01", to: "1970-01-01" }, unit))} />
        {pointed && place !== null ? (
          <Tip bucket={pointed} unit={unit} series={series} place={place} format={format} atEnd={place < buckets.length / 2} />
        ) : null}
      </div>
      <Numbers {...props} />
    </figure>
  );
}
