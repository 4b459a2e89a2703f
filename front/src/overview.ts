import { useAsk } from "./api";

/** `/api/overview`: what this studio looks at, and what it may do. */
export interface Overview {
  database: string;
  place: string;
  version: string;
  role: string;
  bytes: number;
  write: boolean;
  preset: string[];
  tables: string[];
  /** Why there are no people and conversations to show, and what to do. */
  problem: string | null;
  hint: string | null;
  migrations: string;
}

export const useOverview = () => useAsk<Overview>("overview");

/** Whether anything may be changed; false until it is known. */
export const useWrite = (): boolean => useOverview().data?.write ?? false;
