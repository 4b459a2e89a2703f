import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { Button, Empty, Failure, Loading } from "../../parts/basic";
import { transcript } from "../../text/transcript";
import { domId, MessageShown } from "./message";
import { show } from "./moving";
import type { Pages } from "./pages";

const words = transcript;

interface Props {
  pages: Pages;
  chosen: string | null;
  fromEnd: boolean;
  rowOf: (messageId: string) => string;
  onBranch: (from: string, to: string) => void;
  onLink: (id: string) => void;
}

/** Loads what follows when its place comes near, and by a button for who moves otherwise. */
function More({ onReached, children }: { onReached: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = ref.current;
    if (!place) return;
    const root = document.getElementById("content");
    const watch = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && onReached(), {
      root,
      rootMargin: "800px 0px",
    });
    watch.observe(place);
    return () => watch.disconnect();
  });
  return (
    <div ref={ref} className="tr-more">
      <Button onClick={onReached}>{children}</Button>
    </div>
  );
}

const scroller = (): HTMLElement | null => document.getElementById("content");

const PROBES = [4, 28, 80, 160, 320, 480]; // pixels below the upper edge

/**
 * What stands above grows: earlier messages come, and heights out of sight were estimates. The first
 * message in sight keeps its place. (Not all browsers do that themselves.)
 */
function useSteady(ref: RefObject<HTMLElement | null>, isThere: boolean): void {
  useEffect(() => {
    const list = ref.current;
    const main = scroller();
    if (!list || !main) return;
    let anchor: Element | null = null;
    let top = 0;
    const note = () => {
      const edge = main.getBoundingClientRect().top;
      const side = list.getBoundingClientRect().left + 24;
      for (const probe of PROBES) {
        const found = document.elementFromPoint(side, edge + probe)?.closest(".tr-message");
        if (!found) continue;
        anchor = found;
        break;
      }
      top = anchor?.getBoundingClientRect().top ?? 0;
    };
    const keep = () => {
      if (!anchor?.isConnected) return note();
      const moved = anchor.getBoundingClientRect().top - top;
      if (Math.abs(moved) >= 1) main.scrollTop += moved;
    };
    const sizes = new ResizeObserver(keep);
    sizes.observe(list);
    main.addEventListener("scroll", note, { passive: true });
    return () => {
      sizes.disconnect();
      main.removeEventListener("scroll", note);
    };
  }, [ref, isThere]);
}

/** Begin at the message of the address, or at an end. */
function useBeginning(pages: Pages, chosen: string | null, fromEnd: boolean): void {
  useEffect(() => {
    if (!pages.turn) return;
    const go = () => {
      const element = chosen ? document.getElementById(domId(chosen)) : null;
      const main = scroller();
      if (element) show(element, "start");
      else if (fromEnd && main) main.scrollTop = main.scrollHeight;
      else if (main) main.scrollTop = 0;
    };
    go();
    // Heights out of sight are estimates until the first frame.
    const frame = requestAnimationFrame(go);
    return () => cancelAnimationFrame(frame);
  }, [pages.turn, chosen, fromEnd]);
}

export function MessageList({ pages, chosen, fromEnd, rowOf, onBranch, onLink }: Props) {
  const { messages, error, stopped } = pages;
  const list = useRef<HTMLDivElement>(null);
  useSteady(list, Boolean(messages?.length));
  useBeginning(pages, chosen, fromEnd);
  if (error && !stopped) return <Failure error={error} onRetry={pages.again} />;
  if (!messages) return <Loading lines={14} />;
  if (!messages.length) return <Empty title={words.noMessages}>{words.noMessagesHint}</Empty>;
  return (
    <div ref={list} className="tr-list">
      {stopped === "before" ? <Failure error={error} onRetry={pages.earlier} /> : pages.hasEarlier ? <More onReached={pages.earlier}>{words.earlier}</More> : null}
      <div className="tr-feed" role="feed" aria-label={words.messages}>
        {messages.map((message) => (
          <MessageShown
            key={message.id}
            message={message}
            isChosen={message.id === chosen}
            row={rowOf(message.id)}
            onBranch={onBranch}
            onLink={onLink}
          />
        ))}
      </div>
      {stopped === "after" ? <Failure error={error} onRetry={pages.later} /> : pages.hasLater ? <More onReached={pages.later}>{words.later}</More> : null}
    </div>
  );
}
