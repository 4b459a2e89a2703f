import { shell } from "./text/shell";

/** A place that the navigation leads to. */
export interface Destination {
  path: string;
  title: string;
  /** Pressed one after the other. */
  keys: string;
}

export const GROUPS: { title: string; destinations: Destination[] }[] = [
  { title: "", destinations: [{ path: "/", title: shell.nav.overview, keys: "g o" }] },
  {
    title: shell.groups.conversations,
    destinations: [
      { path: "/people", title: shell.nav.people, keys: "g p" },
      { path: "/search", title: shell.nav.search, keys: "g f" },
      { path: "/insight", title: shell.nav.insight, keys: "g i" },
    ],
  },
  {
    title: shell.groups.database,
    destinations: [
      { path: "/tables", title: shell.nav.tables, keys: "g t" },
      { path: "/sql", title: shell.nav.sql, keys: "g s" },
      { path: "/schema", title: shell.nav.schema, keys: "g e" },
      { path: "/migrations", title: shell.nav.migrations, keys: "g m" },
    ],
  },
];

export const DESTINATIONS: Destination[] = GROUPS.flatMap((group) => group.destinations);
