import { useSWRConfig } from "swr";
import { useAsk } from "../../api";
import type { Findings } from "../schema/api";

interface Count {
  /** Null where the role may not know. */
  rows: number | null;
  /** There are more than were counted. */
  more: boolean;
  /** By PostgreSQL's statistics; else they were counted. */
  estimated: boolean;
}

export interface Glance {
  counts: Partial<Record<"users" | "chats" | "messages", Count>>;
  tables: number;
  largest: { schema: string; name: string; attribute: string | null; rows: number | null; bytes: number }[];
  connections: { used: number; most: number };
  invalid: { schema: string; table: string; index: string }[];
  untended: { schema: string; table: string; rows: number; vacuum: boolean; analyze: boolean }[];
  doctor: Findings["doctor"];
}

export interface Recent {
  /** Null where there are none to be had. */
  chats: { id: string; title: string; at: string; user_id: string; user: string }[] | null;
  /** Too many to sort. */
  many: boolean;
  error: { message: string; hint: string | null } | null;
}

export interface Migrations {
  migrations: { tag: string; state: string; words: string }[];
  error: { message: string; hint: string | null } | null;
}

/** One panel's way to try again asks for all of them: what kept one from its answer kept the others. */
function usePanel<T>(path: string) {
  const asked = useAsk<T>(path);
  const { mutate } = useSWRConfig();
  const again = () => Promise.all(PANELS.map((each) => mutate(each)));
  return { ...asked, again };
}

const PANELS = ["overview", "overview/glance", "overview/recent", "migrations"];

export const useGlance = () => usePanel<Glance>("overview/glance");
export const useRecent = () => usePanel<Recent>("overview/recent");
export const useMigrations = () => useAsk<Migrations>("migrations");
