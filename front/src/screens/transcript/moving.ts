import { useMemo } from "react";
import { useLocation } from "wouter";
import { address } from "../../api";
import { useCommands } from "../../commands";
import { transcript } from "../../text/transcript";

const words = transcript.commands;

const all = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(".tr-message")];

/** The message that has the focus, or the first one in sight. */
function current(): HTMLElement | null {
  const focused = document.activeElement?.closest<HTMLElement>(".tr-message");
  const top = document.getElementById("content")?.getBoundingClientRect().top ?? 0;
  return focused ?? all().find((each) => each.getBoundingClientRect().bottom > top + 40) ?? null;
}

export function show(element: HTMLElement, block: ScrollLogicalPosition = "start"): void {
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block });
}

function step(by: number): void {
  const messages = all();
  const here = current();
  const focused = here !== null && here.contains(document.activeElement);
  const to = here ? messages[messages.indexOf(here) + (focused ? by : 0)] : messages[0];
  if (to) show(to);
}

/** Press the button that shows the branch before or after, at this message or the nearest fork above. */
function turn(by: number): void {
  const messages = all();
  const here = current();
  const upwards = messages.slice(0, here ? messages.indexOf(here) + 1 : messages.length).reverse();
  const fork = [...upwards, ...messages].find((each) => each.querySelector(".tr-branches"));
  const buttons = fork?.querySelectorAll<HTMLButtonElement>(".tr-branches button");
  buttons?.[by < 0 ? 0 : 1]?.click();
}

/** j and k between messages, [ and ] between branches, / to the search. */
export function useMoving(userId: string | undefined): void {
  const [, navigate] = useLocation();
  useCommands(
    useMemo(() => {
      const group = words.group;
      const commands = [
        { id: "tr-next", group, title: words.next, keys: "j", run: () => step(1) },
        { id: "tr-previous", group, title: words.previous, keys: "k", run: () => step(-1) },
        { id: "tr-branch-previous", group, title: words.branchPrevious, keys: "[", run: () => turn(-1) },
        { id: "tr-branch-next", group, title: words.branchNext, keys: "]", run: () => turn(1) },
      ];
      const search = { id: "tr-search", group, title: words.search, keys: "/", run: () => navigate(address("/search", { user: userId })) };
      return userId ? [...commands, search] : commands;
    }, [userId, navigate]),
  );
}
