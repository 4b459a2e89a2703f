import "./markdown.css";
import { type MouseEvent, memo, useMemo } from "react";
import { copyText } from "../clipboard";
import { render } from "./render";

interface Props {
  text: string;
  /** How many sources its marks [1], [2] may lead to. */
  sources?: number;
  /** Whether a new line is one, as in what people type. */
  breaks?: boolean;
  onCite?: (number: number) => void;
}

/** Somebody's Markdown: no script, no style, nothing loaded from elsewhere. */
export const Markdown = memo(function Markdown({ text, sources = 0, breaks = false, onCite }: Props) {
  const html = useMemo(() => ({ __html: render(text, { sources, breaks }) }), [text, sources, breaks]);
  const onClick = (event: MouseEvent) => {
    const button = (event.target as HTMLElement).closest("button");
    if (!button) return;
    if (button.classList.contains("md-cite")) onCite?.(Number(button.value));
    if (button.classList.contains("md-copy")) {
      const code = button.closest(".md-code")?.querySelector("code")?.textContent ?? "";
      void copyText(code);
    }
  };
  return <div className="md" dir="auto" onClick={onClick} dangerouslySetInnerHTML={html} />;
});
