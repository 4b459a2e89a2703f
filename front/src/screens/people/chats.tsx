import { Link } from "wouter";
import { useParams } from "../../address";
import { address, useAsk } from "../../api";
import { ago, exactTime, time } from "../../format";
import { Answer, Badge, Button, Empty } from "../../parts/basic";
import { people } from "../../text/people";
import type { ChatLine, ChatsPage } from "./api";

const words = people.chats;

function Moment({ at, children }: { at: string; children: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {children}
    </time>
  );
}

function Row({ chat }: { chat: ChatLine }) {
  const at = chat.deletedAt ?? chat.updatedAt;
  return (
    <tr>
      <td>
        <Link href={`/chats/${encodeURIComponent(chat.id)}`} dir="auto">{chat.title || words.untitled}</Link>{" "}
        {chat.isPinned ? <Badge tone="accent">{words.pinned}</Badge> : null}{" "}
        {chat.isTemporary ? <Badge tone="warn">{words.temporary}</Badge> : null}
      </td>
      <td className="people-wide">
        <Moment at={chat.createdAt}>{time(chat.createdAt)}</Moment>
      </td>
      <td>
        <Moment at={at}>{ago(at)}</Moment>
      </td>
    </tr>
  );
}

function Table({ page, isTrash }: { page: ChatsPage; isTrash: boolean }) {
  const [, change] = useParams();
  if (!page.items.length) {
    return isTrash ? <Empty title={words.noneTrash}>{words.noneTrashHint}</Empty> : <Empty title={words.none}>{words.noneHint}</Empty>;
  }
  return (
    <>
      <table className="plain people-table">
        <thead>
          <tr>
            <th scope="col">{words.title}</th>
            <th scope="col" className="people-wide">
              {words.created}
            </th>
            <th scope="col">{isTrash ? words.deleted : words.activity}</th>
          </tr>
        </thead>
        <tbody>
          {page.items.map((chat) => (
            <Row key={chat.id} chat={chat} />
          ))}
        </tbody>
      </table>
      {page.previousCursor || page.nextCursor ? (
        <div className="row">
          <Button disabled={!page.previousCursor} onClick={() => change({ before: page.previousCursor, after: null })}>
            {words.earlier}
          </Button>
          <Button disabled={!page.nextCursor} onClick={() => change({ after: page.nextCursor, before: null })}>
            {words.later}
          </Button>
        </div>
      ) : null}
    </>
  );
}

/** A person's chats, or those in their trash. */
export function Chats({ userId }: { userId: string }) {
  const [params, change] = useParams();
  const isTrash = params.has("trash");
  const asked = useAsk<ChatsPage>(
    address(`people/${encodeURIComponent(userId)}/chats`, {
      trash: isTrash ? 1 : null,
      after: params.get("after"),
      before: params.get("before"),
    }),
  );
  const choose = (trash: string | null) => change({ trash, after: null, before: null });
  return (
    <div className="stack">
      <div className="row" role="group" aria-label={words.which}>
        <Button kind={isTrash ? "quiet" : "plain"} aria-pressed={!isTrash} onClick={() => choose(null)}>
          {words.live}
        </Button>
        <Button kind={isTrash ? "plain" : "quiet"} aria-pressed={isTrash} onClick={() => choose("1")}>
          {words.trash}
        </Button>
      </div>
      <Answer of={asked} lines={8}>
        {(page) => <Table page={page} isTrash={isTrash} />}
      </Answer>
    </div>
  );
}
