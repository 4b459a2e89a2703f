import { say } from "../../parts/toast";
import { tables as text } from "../../text/tables";

/** Put a text into the clipboard, and say so. */
export async function copyText(value: string, said: string = text.copied): Promise<void> {
  try {
    await navigator.clipboard.writeText(value);
    say(said);
  } catch {
    say(text.noClipboard); // the browser refuses it without a click, or outside of localhost and https
  }
}

/** Hand a text over as a file. */
export function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
