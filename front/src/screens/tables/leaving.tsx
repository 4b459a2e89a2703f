import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { ROOT } from "../../api";
import { Button } from "../../parts/basic";
import { Dialog } from "../../parts/dialog";
import { tables as text } from "../../text/tables";

interface Leaving {
  /** Where the visitor wants to go, as an entry of the history or an address. */
  key: string | null;
  url: string;
}

interface Props {
  /** How many changes would be left behind. */
  changes: number;
  /** The path of this table: going about inside of it leaves nothing. */
  path: string;
  onDiscard: () => void;
}

/** Asks before one goes elsewhere with changes that are not applied: by a link, a key, back, or closing. */
export function AskBeforeLeaving({ changes, path, onDiscard }: Props) {
  const [leaving, setLeaving] = useState<Leaving | null>(null);
  const [, navigate] = useLocation();
  useEffect(() => {
    if (changes === 0) return;
    const unload = (event: BeforeUnloadEvent) => event.preventDefault();
    const away = (event: NavigateEvent) => {
      const to = new URL(event.destination.url);
      const here = ROOT.replace(/\/$/, "") + path;
      const isSame = to.pathname === new URL(here, location.href).pathname && to.origin === location.origin;
      if (isSame || !event.cancelable || event.hashChange || event.downloadRequest !== null) return;
      event.preventDefault();
      setLeaving({ key: event.navigationType === "traverse" ? event.destination.key : null, url: event.destination.url });
    };
    window.addEventListener("beforeunload", unload);
    // Browsers without it still ask when the page is closed, and the changes wait for one's return.
    window.navigation?.addEventListener("navigate", away);
    return () => {
      window.removeEventListener("beforeunload", unload);
      window.navigation?.removeEventListener("navigate", away);
    };
  }, [changes, path]);

  const go = ({ key, url }: Leaving) => {
    setLeaving(null);
    onDiscard();
    // The listener goes with the changes, one render later.
    setTimeout(() => {
      if (key !== null) window.navigation.traverseTo(key);
      else {
        const to = new URL(url);
        navigate(`${to.pathname.slice(ROOT.length - 1)}${to.search}`);
      }
    });
  };
  if (!leaving) return null;
  return (
    <Dialog title={text.leaveTitle} onClose={() => setLeaving(null)}
      actions={
        <>
          <Button onClick={() => setLeaving(null)}>{text.stay}</Button>
          <Button kind="danger" onClick={() => go(leaving)}>{text.discardAndLeave}</Button>
        </>
      }>
      <p>{text.leaveAbout(changes)}</p>
    </Dialog>
  );
}
