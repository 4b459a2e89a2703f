import DOMPurify from "dompurify";
import MarkdownIt, { type MarkdownIt as Md, type StateCore, type Token } from "markdown-it";
import { transcript } from "../../text/transcript";
import { coloured } from "./colours";

const words = transcript.markdown;
const WEB = /^(?:https?:\/\/|mailto:)/i;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/=]+$/i;
const MARK = /\[(\d{1,3})\]/g;

/** Whether following an address cannot run a script. */
export const isWeb = (url: string): boolean => WEB.test(url.trim());
/** Whether an address is a picture that stands in itself. */
export const isPicture = (url: string): boolean => PICTURE.test(url.trim());

const escape = (text: string | number): string =>
  String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

const link = (url: string): string => `href="${escape(url)}" target="_blank" rel="noopener noreferrer"`;

/** Turn [1] in running text into a button that leads to a source. */
function marks(state: StateCore): void {
  const sources = Number(state.env["sources"] ?? 0); // marks beyond them stay text
  if (!sources) return;
  for (const block of state.tokens) {
    if (block.type !== "inline" || !block.children) continue;
    let depth = 0;
    block.children = block.children.flatMap((token) => {
      depth += token.type === "link_open" ? 1 : token.type === "link_close" ? -1 : 0;
      return token.type === "text" && depth === 0 ? split(token, state, sources) : [token];
    });
  }
}

function split(token: Token, state: StateCore, sources: number): Token[] {
  const found: Token[] = [];
  let place = 0;
  const text = (content: string) => {
    if (!content) return;
    const piece = new state.Token("text", "", 0);
    piece.content = content;
    found.push(piece);
  };
  for (const match of token.content.matchAll(MARK)) {
    const number = Number(match[1]);
    if (number < 1 || number > sources) continue;
    text(token.content.slice(place, match.index));
    const mark = new state.Token("cite", "", 0);
    mark.content = String(number);
    found.push(mark);
    place = match.index + match[0].length;
  }
  if (!found.length) return [token];
  text(token.content.slice(place));
  return found;
}

/** The policy of the page allows no style attributes: alignment is a class. */
function alignment(state: StateCore): void {
  for (const token of state.tokens) {
    if (token.type !== "th_open" && token.type !== "td_open") continue;
    const side = /text-align:(\w+)/.exec(String(token.attrGet("style") ?? ""))?.[1];
    token.attrs = side === "right" || side === "center" ? [["class", `md-${side}`]] : null;
  }
}

/** The page has its h1 and each message its h2: what a message calls titles stands below, without gaps. */
function headings(state: StateCore): void {
  const above: string[] = [];
  for (const token of state.tokens) {
    if (token.type === "heading_open") {
      while (above.length && (above.at(-1) ?? "") >= token.tag) above.pop();
      above.push(token.tag);
    }
    if (token.type.startsWith("heading_")) token.tag = `h${Math.min(above.length + 2, 6)}`;
  }
}

function code(content: string, info: string): string {
  const language = info.trim().split(/\s/)[0]?.slice(0, 24) ?? "";
  const pieces = coloured(content, language);
  const shown = pieces
    ? pieces.map(({ tone, text }) => (tone === "plain" ? escape(text) : `<span class="md-${tone}">${escape(text)}</span>`)).join("")
    : escape(content);
  return (
    `<figure class="md-code"><figcaption><span>${escape(language || words.plain)}</span>` +
    `<button type="button" class="md-copy" aria-label="${escape(words.copyCode(language))}">${words.copy}</button>` +
    `</figcaption><pre tabindex="0"><code>${shown}</code></pre></figure>`
  );
}

function make(breaks: boolean): Md {
  const md = new MarkdownIt("default", { html: false, linkify: true, breaks });
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  md.validateLink = (url) => isWeb(url) || isPicture(url);
  md.core.ruler.push("marks", marks);
  md.core.ruler.push("alignment", alignment);
  md.core.ruler.push("headings", headings);
  const rules = md.renderer.rules;
  rules["cite"] = (tokens, index) => {
    const number = Number(tokens[index]?.content);
    return `<button type="button" class="md-cite" value="${number}" aria-label="${words.source(number)}">${number}</button>`;
  };
  rules["link_open"] = (tokens, index) => {
    const url = String(tokens[index]?.attrGet("href") ?? "");
    const title = tokens[index]?.attrGet("title");
    return isWeb(url) ? `<a ${link(url)}${title ? ` title="${escape(title)}"` : ""}>` : "<a>";
  };
  rules["image"] = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const url = String(token?.attrGet("src") ?? "");
    const alt = self.renderInlineAsText(token?.children ?? [], options, env);
    if (isPicture(url)) return `<img class="md-image" src="${escape(url)}" alt="${escape(alt)}">`;
    return `<a class="md-away" ${link(url)}>${escape(words.image(alt))}</a>`;
  };
  rules["fence"] = (tokens, index) => code(tokens[index]?.content ?? "", tokens[index]?.info ?? "");
  rules["code_block"] = (tokens, index) => code(tokens[index]?.content ?? "", "");
  rules["table_open"] = () => `<div class="md-table" role="group" tabindex="0" aria-label="${words.table}"><table>`;
  rules["table_close"] = () => "</table></div>";
  return md;
}

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A" && node.hasAttribute("href") && !isWeb(node.getAttribute("href") ?? "")) node.removeAttribute("href");
  if (node.tagName === "IMG" && !isPicture(node.getAttribute("src") ?? "")) node.remove();
});

const TAGS = [
  ..."a blockquote br button code del div em figcaption figure h3 h4 h5 h6 hr img li ol p pre s span".split(" "),
  ..."strong table tbody td th thead tr ul".split(" "),
];
const ATTRIBUTES = "alt aria-label class href rel role src start tabindex target title type value".split(" ");

const kinds = new Map<boolean, Md>();

/** Markdown as HTML that cannot run script, load anything or leave its place. */
export function render(text: string, { sources = 0, breaks = false }: { sources?: number; breaks?: boolean } = {}): TrustedHTML {
  let md = kinds.get(breaks);
  if (!md) {
    md = make(breaks);
    kinds.set(breaks, md);
  }
  return DOMPurify.sanitize(md.render(text, { sources }), {
    RETURN_TRUSTED_TYPE: true,
    ADD_URI_SAFE_ATTR: ATTRIBUTES.filter((name) => name !== "href" && name !== "src"),
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|data:image\/(?:png|jpeg|gif|webp);base64,)/i,
  });
}
