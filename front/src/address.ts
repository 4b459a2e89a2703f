import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";

/** The state of a screen stands in its address, so that back and forward, and a copied link, work. */
export function useParams(): [URLSearchParams, (changes: Record<string, string | null>, keep?: "push" | "replace") => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
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
    [search, path, navigate],
  );
  return [params, change];
}
