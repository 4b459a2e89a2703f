import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
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

/** What stands above the first message grows when earlier ones come: keep the reader's place. */
function useSteady(first: string | undefined, turn: number): void {
  const held = useRef<{ first: string | undefined; turn: number; top: number } | null>(null);
  useLayoutEffect(() => {
    const before = held.current;
    const main = scroller();
    if (before?.first && before.turn === turn && before.first !== first) {
      const element = document.getElementById(domId(before.first));
      if (element && main) main.scrollTop += element.getBoundingClientRect().top - before.top;
    }
  }, [first, turn]);
  useEffect(() => {
    const main = scroller();
    const note = () => {
      const element = first ? document.getElementById(domId(first)) : null;
      held.current = { first, turn, top: element?.getBoundingClientRect().top ?? 0 };
    };
    note();
    main?.addEventListener("scroll", note, { passive: true });
    return () => main?.removeEventListener("scroll", note);
  }, [first, turn]);
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
  const { messages, error, turn } = pages;
  useSteady(messages?.[0]?.id, turn);
  useBeginning(pages, chosen, fromEnd);
  if (error) return <Failure error={error} onRetry={pages.again} />;
  if (!messages) return <Loading lines={14} />;
  if (!messages.length) return <Empty title={words.noMessages}>{words.noMessagesHint}</Empty>;
  return (
    <div className="tr-list" role="feed" aria-label={words.messages} aria-busy={false}>
      {pages.hasEarlier ? <More onReached={pages.earlier}>{words.earlier}</More> : null}
      {messages.map((message, index) => (
        <MessageShown
          key={message.id}
          message={message}
          place={index + 1}
          isChosen={message.id === chosen}
          row={rowOf(message.id)}
          onBranch={onBranch}
          onLink={onLink}
        />
      ))}
      {pages.hasLater ? <More onReached={pages.later}>{words.later}</More> : null}
    </div>
  );
}
