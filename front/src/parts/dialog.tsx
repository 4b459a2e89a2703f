import { type MouseEvent, type ReactNode, type SyntheticEvent, useLayoutEffect, useRef } from "react";
import { shell } from "../text/shell";
import { Button } from "./basic";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the foot. */
  actions?: ReactNode;
  wide?: boolean;
  /** Something was typed that a press beside the dialog must not lose. */
  keeps?: boolean;
}

/** Open a dialog as long as it is there; it is closed while it still stands, so the focus goes back. */
export function useModal(onClose: () => void, keeps = false) {
  const ref = useRef<HTMLDialogElement>(null);
  const latest = useRef(onClose);
  latest.current = onClose;
  useLayoutEffect(() => {
    const dialog = ref.current;
    // The browser may close it without asking, as at a second Escape: it must not stay half there.
    const closed = () => latest.current();
    dialog?.showModal();
    dialog?.addEventListener("close", closed);
    return () => {
      dialog?.removeEventListener("close", closed);
      dialog?.close();
    };
  }, []);
  return {
    ref,
    onCancel: (event: SyntheticEvent) => {
      event.preventDefault();
      onClose();
    },
    onMouseDown: (event: MouseEvent) => {
      if (event.target === event.currentTarget && !keeps) onClose();
    },
  };
}

/** A modal dialog: the browser keeps the focus inside, Escape closes it, the focus goes back. */
export function Dialog({ title, onClose, children, actions, wide = false, keeps = false }: DialogProps) {
  const modal = useModal(onClose, keeps);
  return (
    <dialog {...modal} className={`dialog${wide ? " dialog-wide" : ""}`} aria-label={title}>
      <div className="dialog-body">
        <header className="dialog-head">
          <h2>{title}</h2>
          <Button kind="quiet" onClick={onClose} aria-label={shell.close}>
            ✕
          </Button>
        </header>
        <div className="dialog-content">{children}</div>
        {actions ? <footer className="dialog-foot">{actions}</footer> : null}
      </div>
    </dialog>
  );
}
