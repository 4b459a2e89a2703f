import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { usePathname, useSearch } from "wouter/use-browser-location";
import { ROOT } from "./api";
import { type Command, useCommands, useKnownCommands } from "./commands";
import { useKeys } from "./keys";
import { GROUPS, DESTINATIONS } from "./navigation";
import { useOverview } from "./overview";
import { Keys, Palette } from "./palette";
import { Badge, Button } from "./parts/basic";
import { Toasts } from "./parts/toast";
import { Shortcuts } from "./shortcuts";
import { palette as text } from "./text/palette";
import { shell } from "./text/shell";
import { useTheme } from "./theme";

function Navigation({ onGo }: { onGo: () => void }) {
  const [path] = useLocation();
  return (
    <nav aria-label={shell.menu} className="nav">
      {GROUPS.map((group) => (
        <div key={group.title} className="nav-group">
          {group.title ? <h2 className="nav-title">{group.title}</h2> : null}
          <ul>
            {group.destinations.map(({ path: to, title }) => {
              const isHere = path === to || (to !== "/" && path.startsWith(`${to}/`)) || (to === "/people" && path.startsWith("/chats/"));
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

type Overlay = "palette" | "shortcuts" | null;

/** What works on every screen, by key and in the palette. */
function useGeneralCommands(show: (overlay: Overlay) => void, nextTheme: () => void): void {
  const [, navigate] = useLocation();
  const commands = useMemo<Command[]>(
    () => [
      ...DESTINATIONS.map(({ path, title, keys }) => ({
        id: `go:${path}`,
        title,
        group: text.goTo,
        keys,
        run: () => navigate(path),
      })),
      { id: "palette", title: text.open, group: text.general, keys: "mod+k", run: () => show("palette") },
      { id: "shortcuts", title: text.shortcuts, group: text.general, keys: "?", run: () => show("shortcuts") },
      { id: "theme", title: text.theme, group: text.view, words: text.themeWords, run: nextTheme },
    ],
    [navigate, show, nextTheme],
  );
  useCommands(commands);
}

const PAGES = ["cursor", "after", "before"]; // of lists, in addresses

/**
 * A new screen begins at its head, for the eyes and for the keyboard. So does a page of the same screen
 * where what had the focus is gone: a line of the list that led to it, not a tab that still stands there.
 */
function useFreshStart(): void {
  const path = usePathname();
  const before = useRef(path);
  useEffect(() => {
    const section = (of: string) => of.slice(ROOT.length).split("/")[0];
    const isOther = section(before.current) !== section(path);
    const isLost = before.current !== path && document.activeElement === document.body;
    before.current = path;
    if (!isOther && !isLost) return;
    const main = document.getElementById("content");
    main?.scrollTo(0, 0);
    main?.focus({ preventScroll: true });
  }, [path]);
  const params = new URLSearchParams(useSearch());
  const page = PAGES.map((name) => params.get(name)).join(" ");
  const turned = useRef(page);
  useEffect(() => {
    // Another page of a list is read from its first line, not from where the button stood.
    if (turned.current !== page) document.getElementById("content")?.scrollTo(0, 0);
    turned.current = page;
  }, [page]);
}

function Top({ isOpen, onMenu, onPalette }: { isOpen: boolean; onMenu: () => void; onPalette: () => void }) {
  const [theme, nextTheme] = useTheme();
  const { data } = useOverview();
  return (
    <header className="top">
      <Button kind="quiet" className="top-menu" aria-expanded={isOpen} onClick={onMenu}>
        {shell.menu}
      </Button>
      <Link href="/" className="brand">
        {shell.product}
      </Link>
      <span className="top-place muted">{data ? `${data.database} · PostgreSQL ${data.version.split(" ")[0]}` : ""}</span>
      <span className="grow" />
      <Button className="top-palette" onClick={onPalette} title={text.open}>
        <span className="palette-words">{shell.palette}</span>
        <Keys keys="mod+k" />
      </Button>
      {data ? (
        <Badge tone={data.write ? "warn" : "neutral"} title={data.write ? shell.writeHint : shell.readOnlyHint}>
          {data.write ? shell.write : shell.readOnly}
        </Badge>
      ) : null}
      <Button kind="quiet" onClick={nextTheme} aria-label={shell.theme[theme]} title={shell.theme[theme]}>
        {theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"}
      </Button>
    </header>
  );
}

/** What stands around every screen. */
export function Shell({ children }: { children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const [overlay, setOverlay] = useState<Overlay>(null);
  const [, nextTheme] = useTheme();
  useGeneralCommands(setOverlay, nextTheme);
  useKeys(useKnownCommands());
  useFreshStart();
  return (
    <div className={`shell${isOpen ? " shell-open" : ""}`}>
      <a
        className="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        {shell.skip}
      </a>
      <Top isOpen={isOpen} onMenu={() => setOpen(!isOpen)} onPalette={() => setOverlay("palette")} />
      <div className="side">
        <Navigation onGo={() => setOpen(false)} />
      </div>
      <main id="content" tabIndex={-1} className="main">
        {children}
      </main>
      <Toasts />
      {overlay === "palette" ? <Palette onClose={() => setOverlay(null)} /> : null}
      {overlay === "shortcuts" ? <Shortcuts onClose={() => setOverlay(null)} /> : null}
    </div>
  );
}
