import "../../styles/transcript.css";
import { useCallback, useMemo } from "react";
import { Link } from "wouter";
import { useParams, useSegments } from "../../address";
import { address, useAsk } from "../../api";
import { Answer, Button, Page } from "../../parts/basic";
import { copyText } from "../../parts/clipboard";
import { transcript } from "../../text/transcript";
import type { ChatTold } from "./api";
import { Header, rowOf } from "./header";
import { MessageList } from "./list";
import { useMoving } from "./moving";
import { usePages } from "./pages";

const words = transcript;

function Chat({ id }: { id: string }) {
  const [params, change] = useParams();
  const branch = params.get("branch");
  const chosen = params.get("message");
  const fromEnd = params.get("at") === "end";
  const told = useAsk<ChatTold>(`chats/${encodeURIComponent(id)}`);
  const pages = usePages(id, { branch, near: chosen, fromEnd });
  const { data } = told;
  useMoving(data?.chat.user_id);

  const onBranch = useCallback(
    (from: string, to: string) => {
      // Back leads to the fork as it was, not to the top of the chat.
      change({ message: from }, "replace");
      change({ branch: to, message: to, at: null });
    },
    [change],
  );
  const onLink = useCallback(
    (message: string) => {
      const link = new URL(location.href);
      link.searchParams.set("message", message);
      link.searchParams.delete("at");
      void copyText(link.href);
    },
    [],
  );
  const tables = data?.tables;
  const rowOfMessage = useCallback((message: string) => rowOf(tables?.messages, message), [tables]);
  const isAway = useMemo(() => Boolean(branch && pages.tip && data && pages.tip !== data.chat.head), [branch, pages.tip, data]);

  if (!data) {
    return (
      <Page title={words.title}>
        <Answer of={told} lines={16}>
          {() => null}
        </Answer>
      </Page>
    );
  }
  const row = (
    <Link className="button button-quiet tr-link" href={rowOf(data.tables.chats, id)} aria-label={words.chatRow}>
      {words.rowShort}
    </Link>
  );
  // What is in the trash is not searched, and is read from its beginning.
  const jumps = data.chat.deleted_at ? (
    row
  ) : (
    <>
      <Button onClick={() => change({ at: null, message: null })}>{words.first}</Button>
      <Button onClick={() => change({ at: "end", message: null })}>{words.last}</Button>
      <Link className="button button-plain tr-link" href={address("/search", { user: data.chat.user_id, chat: id })}>
        {words.find}
      </Link>
      {row}
    </>
  );
  return (
    <Page title={data.chat.title || words.title} actions={jumps}>
      <Header told={data} />
      {isAway ? (
        <p className="tr-away" role="status">
          {words.branch.away}{" "}
          <Button kind="quiet" onClick={() => change({ branch: null, message: null })}>
            {words.branch.back}
          </Button>
        </p>
      ) : null}
      <MessageList
        pages={pages}
        chosen={chosen}
        fromEnd={fromEnd}
        rowOf={rowOfMessage}
        onBranch={onBranch}
        onLink={onLink}
      />
    </Page>
  );
}

export default function Screen() {
  const [id = ""] = useSegments();
  return <Chat key={id} id={id} />;
}
