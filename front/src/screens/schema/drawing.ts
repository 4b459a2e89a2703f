import { schema } from "../../text/schema";
import { type Box, type Drawn, HEAD, type Measure, ROW, type Tie, typeText } from "./layout";
import { CIRCLE, lineOf } from "./lines";

const MARGIN = 32;
const MOST_PIXELS = 16_000; // of a side, as browsers allow a canvas
const MOST_AREA = 120_000_000;

export interface Placed {
  table: Drawn;
  box: Box;
}

/** XML has no sign for most control characters, which a name in PostgreSQL may hold. */
const text = (value: string): string =>
  value
    .replace(/[\u0000-\u001f\u007f\ufffe\uffff]/g, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");

/** What the page's variables are in the theme that is shown. */
function colours(): (name: string) => string {
  const probe = document.createElement("span");
  document.body.append(probe);
  const known = new Map<string, string>();
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  for (const name of ["bg", "panel", "sunken", "line", "line-strong", "text", "muted", "accent"]) known.set(name, read(name));
  probe.remove();
  return (name) => known.get(name) ?? "gray";
}

function cut(value: string, width: number, measure: Measure): string {
  if (measure(value, "type") <= width) return value;
  let end = value.length;
  while (end > 1 && measure(`${value.slice(0, end)}…`, "type") > width) end -= 1;
  return `${value.slice(0, end)}…`;
}

/** Write the diagram as an SVG that needs nothing else: real text, the fonts of the page. */
export function svgOf(placed: Placed[], ties: Tie[], title: string, measure: Measure): { svg: string; width: number; height: number } {
  const colour = colours();
  const left = Math.min(...placed.map(({ box }) => box.x)) - MARGIN;
  const top = Math.min(...placed.map(({ box }) => box.y)) - MARGIN;
  const width = Math.ceil(Math.max(...placed.map(({ box }) => box.x + box.width)) - left + MARGIN);
  const height = Math.ceil(Math.max(...placed.map(({ box }) => box.y + box.height)) - top + MARGIN);
  const moved = new Map(
    placed.map(({ table, box }) => [table.id, { table, box: { ...box, x: box.x - left, y: box.y - top } }]),
  );
  const lines = ties.map((tie) => {
    const from = moved.get(tie.source);
    const to = moved.get(tie.target);
    if (!from || !to) return "";
    const line = lineOf(tie, from.table, from.box, to.table, to.box);
    const dots = line.circles.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="${CIRCLE}" class="dot"/>`).join("");
    const about = schema.edgeLabel(from.table.title, to.table.title, tie.key.columns.join(", "));
    return `<g><title>${text(about)}</title><path d="${line.path}" class="tie"/><path d="${line.marks}" class="tie"/>${dots}</g>`;
  });
  const style = getComputedStyle(document.documentElement);
  const sans = text(style.getPropertyValue("--sans").trim().replace(/"/g, "'"));
  const mono = text(style.getPropertyValue("--mono").trim().replace(/"/g, "'"));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${text(title)}</title>
<style>
.tie{fill:none;stroke:${colour("line-strong")};stroke-width:1.3}
.dot{fill:${colour("bg")};stroke:${colour("line-strong")};stroke-width:1.3}
.box{fill:${colour("panel")};stroke:${colour("line-strong")}}
.head{fill:${colour("sunken")}}
.title{font:650 13px ${sans};fill:${colour("text")}}
.name{font:12.5px ${mono};fill:${colour("text")}}
.type{font:11.5px ${mono};fill:${colour("muted")};text-anchor:end}
.mark{font:650 10px ${sans};fill:${colour("accent")}}
</style>
<rect width="${width}" height="${height}" fill="${colour("bg")}"/>
${lines.join("\n")}
${[...moved.values()].map(({ table, box }) => tableText(table, box, measure)).join("\n")}
</svg>
`;
  return { svg, width, height };
}

function tableText(table: Drawn, box: Box, measure: Measure): string {
  const { x, y, width, height } = box;
  const rows = table.columns.map((column, index) => {
    const line = y + HEAD + index * ROW + ROW / 2 + 4;
    const mark = column.key ? schema.pk : column.foreign ? schema.fk : "";
    const room = width - 34 - 18 - 12 - measure(column.name, "name");
    return [
      mark ? `<text x="${x + 10}" y="${line}" class="mark">${mark}</text>` : "",
      `<text x="${x + 34}" y="${line}" class="name">${text(column.name)}</text>`,
      `<text x="${x + width - 12}" y="${line}" class="type">${text(cut(typeText(column), Math.max(room, 30), measure))}</text>`,
    ].join("");
  });
  return [
    `<g><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8" class="box"/>`,
    `<path d="M${x + 0.5} ${y + HEAD}v${8 - HEAD}a7.5 7.5 0 0 1 7.5 -7.5h${width - 16}a7.5 7.5 0 0 1 7.5 7.5v${HEAD - 8}z" class="head"/>`,
    `<text x="${x + 12}" y="${y + HEAD / 2 + 5}" class="title">${text(table.title)}</text>`,
    ...rows,
    "</g>",
  ].join("");
}

/** Draw an SVG into a PNG, twice as large where the browser's canvas bears it; null where it does not. */
export async function pngOf({ svg, width, height }: { svg: string; width: number; height: number }): Promise<Blob | null> {
  const most = Math.min(2, MOST_PIXELS / Math.max(width, height), Math.sqrt(MOST_AREA / (width * height)));
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * most);
    canvas.height = Math.round(height * most);
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}
