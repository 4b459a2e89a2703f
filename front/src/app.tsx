import { type ComponentType, type LazyExoticComponent, lazy, Suspense } from "react";
import { Route, Router, Switch } from "wouter";
import { usePathname } from "wouter/use-browser-location";
import { ROOT } from "./api";
import { Empty, Loading, Page } from "./parts/basic";
import { Boundary, loaded } from "./parts/boundary";
import { Shell } from "./shell";
import { shell } from "./text/shell";

// A screen is loaded when somebody goes there. The addresses are those of the navigation.
const SCREENS: [path: string, screen: LazyExoticComponent<ComponentType>][] = [
  ["/", lazy(() => loaded(import("./screens/overview")))],
  ["/people/*?", lazy(() => loaded(import("./screens/people")))],
  ["/chats/*", lazy(() => loaded(import("./screens/transcript")))],
  ["/search", lazy(() => loaded(import("./screens/search")))],
  ["/tables/*?", lazy(() => loaded(import("./screens/tables")))],
  ["/sql", lazy(() => loaded(import("./screens/sql")))],
  ["/schema/*?", lazy(() => loaded(import("./screens/schema")))],
  ["/migrations/*?", lazy(() => loaded(import("./screens/migrations")))],
  ["/insight/*?", lazy(() => loaded(import("./screens/insight")))],
];

function NotFound() {
  return (
    <Page title={shell.notFound}>
      <Empty title={shell.notFound}>{shell.notFoundHint}</Empty>
    </Page>
  );
}

export function App() {
  const path = usePathname();
  return (
    <Router base={ROOT.replace(/\/$/, "")}>
      <Shell>
        <Boundary at={path}>
          <Suspense fallback={<Loading lines={10} />}>
            <Switch>
              {SCREENS.map(([path, Screen]) => (
                <Route key={path} path={path}>
                  <Screen />
                </Route>
              ))}
              <Route>
                <NotFound />
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </Shell>
    </Router>
  );
}
