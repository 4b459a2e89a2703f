import { type ComponentType, type LazyExoticComponent, lazy, Suspense } from "react";
import { Route, Router, Switch } from "wouter";
import { ROOT } from "./api";
import { Empty, Loading, Page } from "./parts/basic";
import { Shell } from "./shell";
import { shell } from "./text/shell";

// A screen is loaded when somebody goes there. The addresses are those of the navigation.
const SCREENS: [path: string, screen: LazyExoticComponent<ComponentType>][] = [
  ["/", lazy(() => import("./screens/overview"))],
  ["/people/*?", lazy(() => import("./screens/people"))],
  ["/chats/*", lazy(() => import("./screens/transcript"))],
  ["/search", lazy(() => import("./screens/search"))],
  ["/tables/*?", lazy(() => import("./screens/tables"))],
  ["/sql", lazy(() => import("./screens/sql"))],
  ["/schema/*?", lazy(() => import("./screens/schema"))],
  ["/migrations/*?", lazy(() => import("./screens/migrations"))],
  ["/insight/*?", lazy(() => import("./screens/insight"))],
];

function NotFound() {
  return (
    <Page title={shell.notFound}>
      <Empty title={shell.notFound}>{shell.notFoundHint}</Empty>
    </Page>
  );
}

export function App() {
  return (
    <Router base={ROOT.replace(/\/$/, "")}>
      <Shell>
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
      </Shell>
    </Router>
  );
}
