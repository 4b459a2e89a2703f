import "../../styles/tables.css";
import { Empty, Page } from "../../parts/basic";
import { shell } from "../../text/shell";

export default function Screen() {
  return (
    <Page title={shell.nav.tables}>
      <Empty title={shell.loading} />
    </Page>
  );
}
