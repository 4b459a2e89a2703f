import { shell } from "../text/shell";
import { Button } from "./basic";
import { say } from "./toast";

/** Put a text into the clipboard, and say so. */
export async function copyText(text: string, said: string = shell.copied): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(said);
  } catch {
    say(shell.noClipboard); // the browser refuses it without a click, or outside of localhost and https
  }
}

/** Copies a text; the label says which, where there are several beside each other. */
export function CopyButton({ text, label, className = "" }: { text: string; label?: string; className?: string }) {
  return (
    <Button kind="quiet" className={className} aria-label={label} onClick={() => void copyText(text)}>
      {shell.copy}
    </Button>
  );
}
