import { type ReactNode, type RefObject, useLayoutEffect, useRef } from "react";
import { shell } from "../text/shell";
import { Button } from "./basic";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the foot. */
  actions?: ReactNode;
  wide?: boolean;
}

/** Open a dialog as long as it is there; it is closed while it still stands, so the focus goes back. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return ref;
}

/** A modal dialog: the browser keeps the focus inside, Escape closes it, the focus goes back. */
export function Dialog({ title, onClose, children, actions, wide = false }: DialogProps) {
  const ref = useModal();
  return (
    <dialog
      ref={ref}
      className={`dialog${wide ? " dialog-wide" : ""}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
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
