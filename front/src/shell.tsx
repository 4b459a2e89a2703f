import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { useOverview } from "./overview";
import { Badge, Button } from "./parts/basic";
import { Toasts } from "./parts/toast";
import { shell } from "./text/shell";
import { useTheme } from "./theme";

const GROUPS: { title: string; links: [path: string, title: string, keys: string][] }[] = [
  { title: "", links: [["/", shell.nav.overview, "g o"]] },
  {
    title: shell.groups.conversations,
    links: [
      ["/people", shell.nav.people, "g p"],
      ["/search", shell.nav.search, "g f"],
      ["/insight", shell.nav.insight, "g i"],
    ],
  },
  {
    title: shell.groups.database,
    links: [
      ["/tables", shell.nav.tables, "g t"],
      ["/sql", shell.nav.sql, "g s"],
      ["/schema", shell.nav.schema, "g e"],
      ["/migrations", shell.nav.migrations, "g m"],
    ],
  },
];

function Navigation({ onGo }: { onGo: () => void }) {
  const [path] = useLocation();
  return (
    <nav aria-label={shell.menu} className="nav">
      {GROUPS.map((group) => (
        <div key={group.title} className="nav-group">
          {group.title ? <h2 className="nav-title">{group.title}</h2> : null}
          <ul>
            {group.links.map(([to, title]) => {
              const isHere = to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
              return (
                <li key={to}>
                  <Link href={to} onClick={onGo} className="nav-link" aria-current={isHere ? "page" : undefined}>
                    {title}
                  </Link>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </nav>
  );
}

/** What stands around every screen. */
export function Shell({ children }: { children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const [theme, nextTheme] = useTheme();
  const { data } = useOverview();
  return (
    <div className={`shell${isOpen ? " shell-open" : ""}`}>
      <a className="skip" href="#content" onClick={(event) => {
        event.preventDefault();
        document.getElementById("content")?.focus();
      }}>
        {shell.skip}
      </a>
      <header className="top">
        <Button kind="quiet" className="top-menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {shell.menu}
        </Button>
        <Link href="/" className="brand">
          {shell.product}
        </Link>
        <span className="top-place muted">{data ? `${data.database} · PostgreSQL ${data.version.split(" ")[0]}` : ""}</span>
        <span className="grow" />
        {data ? (
          <Badge tone={data.write ? "warn" : "neutral"} title={data.write ? shell.writeHint : shell.readOnlyHint}>
            {data.write ? shell.write : shell.readOnly}
          </Badge>
        ) : null}
        <Button kind="quiet" onClick={nextTheme} aria-label={shell.theme[theme]} title={shell.theme[theme]}>
          {theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}
        </Button>
      </header>
      <aside className="side">
        <Navigation onGo={() => setOpen(false)} />
      </aside>
      <main id="content" tabIndex={-1} className="main">
        {children}
      </main>
      <Toasts />
    </div>
  );
}
