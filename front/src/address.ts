import { useCallback, useMemo } from "react";
import { navigate, usePathname, useSearch } from "wouter/use-browser-location";
import { ROOT } from "./api";

// Both as they stand in the address: the router's own are decoded in part already, so that a "%" or "?"
// of an id could not be told from one of the address.

/** The parts of the path below a screen's, each encoded for itself: ["a/b", "sessions"]. */
export function useSegments(): string[] {
  const path = usePathname();
  return useMemo(() => {
    const rest = path.slice(ROOT.length).split("/").slice(1).filter(Boolean);
    try {
      return rest.map(decodeURIComponent);
    } catch {
      return rest;
    }
  }, [path]);
}

/** The state of a screen stands in its address, so that back and forward, and a copied link, work. */
export function useParams(): [URLSearchParams, (changes: Record<string, string | null>, keep?: "push" | "replace") => void] {
  const search = useSearch();
  const path = usePathname();
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback(
    (changes: Record<string, string | null>, keep: "push" | "replace" = "push") => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") next.delete(name);
        else next.set(name, value);
      }
      const text = next.toString();
      navigate(text ? `${path}?${text}` : path, { replace: keep === "replace" });
    },
    [search, path],
  );
  return [params, change];
}
