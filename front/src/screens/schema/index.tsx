import "../../styles/schema.css";
import { Empty, Page } from "../../parts/basic";
import { shell } from "../../text/shell";

export default function Screen() {
  return (
    <Page title={shell.nav.schema}>
      <Empty title={shell.loading} />
    </Page>
  );
}
