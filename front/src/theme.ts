import { useCallback, useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "chatkeep-studio-theme";
const THEMES: Theme[] = ["system", "light", "dark"];
const watchers = new Set<() => void>();

let current: Theme = THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? "system";

export function applyTheme(theme: Theme = current): void {
  current = theme;
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  for (const watcher of watchers) watcher();
}

/** The theme, and what changes it to the next one; kept in this browser. */
export function useTheme(): [Theme, () => void] {
  const theme = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => current,
  );
  const next = useCallback(() => {
    const following = THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? "system";
    localStorage.setItem(KEY, following);
    applyTheme(following);
  }, []);
  return [theme, next];
}
