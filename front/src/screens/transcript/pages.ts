import { useCallback, useEffect, useRef, useState } from "react";
import { address, ask } from "../../api";
import type { Message, MessagesPage } from "./api";

export interface Place {
  /** A message on the branch that is read; null for what the chat shows. */
  branch: string | null;
  /** The message to begin around. */
  near: string | null;
  /** Begin at the end. */
  fromEnd: boolean;
}

export interface Pages {
  messages: Message[] | null;
  tip: string | null;
  hasEarlier: boolean;
  hasLater: boolean;
  error: unknown;
  /** On which side nothing more could be loaded; what is there stays. */
  stopped: "before" | "after" | null;
  /** Grows with each new beginning. */
  turn: number;
  earlier: () => void;
  later: () => void;
  again: () => void;
}

interface Loaded {
  page: MessagesPage;
  place: Place;
  turn: number;
}

/** Messages of a chat from a place on, in both directions; a place that is loaded is not asked for again. */
export function usePages(chatId: string, place: Place): Pages {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [stopped, setStopped] = useState<Pages["stopped"]>(null);
  const [tries, setTries] = useState(0);
  const now = useRef<Loaded | null>(null);
  const busy = useRef(false);
  const { branch, near, fromEnd } = place;

  const keep = useCallback((next: Loaded | null) => {
    now.current = next;
    setLoaded(next);
  }, []);

  useEffect(() => {
    const held = now.current;
    const isSame = held?.place.branch === branch && held.place.fromEnd === fromEnd;
    if (held && isSame && (near === null || held.page.items.some((message) => message.id === near))) return;
    const stop = new AbortController();
    const from = near ? { near } : fromEnd ? { before: "end" } : {};
    busy.current = true;
    ask<MessagesPage>(address(`chats/${encodeURIComponent(chatId)}/messages`, { branch, ...from }), { signal: stop.signal })
      .then((page) => {
        busy.current = false;
        setError(null);
        setStopped(null);
        keep({ page, place: { branch, near, fromEnd }, turn: (now.current?.turn ?? 0) + 1 });
      })
      .catch((failed: unknown) => {
        if (stop.signal.aborted) return;
        busy.current = false;
        setStopped(null);
        setError(failed);
      });
    return () => {
      stop.abort();
      busy.current = false;
    };
  }, [chatId, branch, near, fromEnd, tries, keep]);

  const more = useCallback(
    (side: "before" | "after") => {
      const held = now.current;
      const cursor = held?.page[side];
      if (!held || !cursor || busy.current) return;
      busy.current = true;
      const { tip } = held.page;
      ask<MessagesPage>(address(`chats/${encodeURIComponent(chatId)}/messages`, { branch: tip, [side]: cursor }))
        .then((page) => {
          if (now.current !== held) return;
          busy.current = false;
          setError(null);
          setStopped(null);
          const items = side === "before" ? [...page.items, ...held.page.items] : [...held.page.items, ...page.items];
          keep({ ...held, page: { ...held.page, items, [side]: page[side] } });
        })
        .catch((failed: unknown) => {
          if (now.current !== held) return;
          busy.current = false;
          setError(failed);
          setStopped(side);
        });
    },
    [chatId, keep],
  );

  return {
    messages: loaded?.page.items ?? null,
    tip: loaded?.page.tip ?? null,
    hasEarlier: Boolean(loaded?.page.before),
    hasLater: Boolean(loaded?.page.after),
    error,
    stopped,
    turn: loaded?.turn ?? 0,
    earlier: useCallback(() => more("before"), [more]),
    later: useCallback(() => more("after"), [more]),
    again: useCallback(() => {
      setError(null);
      setTries((tries) => tries + 1);
    }, []),
  };
}
