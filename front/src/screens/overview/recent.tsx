import type { ReactNode } from "react";
import { Link } from "wouter";
import { ago, exactTime } from "../../format";
import { Answer, Empty } from "../../parts/basic";
import { overview as text } from "../../text/overview";
import { type Recent, useRecent } from "./api";

export function RecentChats() {
  const asked = useRecent();
  return (
    <section className="panel overview-panel" aria-labelledby="overview-recent">
      <h2 id="overview-recent">{text.recent}</h2>
      <Answer of={{ ...asked, mutate: asked.again }} lines={8}>
        {(recent) => <Chats recent={recent} />}
      </Answer>
    </section>
  );
}

const Ways = ({ children }: { children: ReactNode }) => (
  <>
    <p>{children}</p>
    <p className="overview-ways">
      <Link href="/people">{text.findPerson}</Link>
      <Link href="/search">{text.search}</Link>
    </p>
  </>
);

function Chats({ recent: { chats, many, error } }: { recent: Recent }) {
  if (error) return <Empty title={text.unreadable}>{text.unreadableHint}</Empty>;
  if (!chats) return <Empty title={text.noConversations}>{text.noConversationsHint}</Empty>;
  if (many) {
    return (
      <Empty title={text.manyChats}>
        <Ways>{text.manyChatsHint}</Ways>
      </Empty>
    );
  }
  if (!chats.length) return <Empty title={text.noChats}>{text.noChatsHint}</Empty>;
  return (
    <ul className="overview-chats">
      {chats.map((chat) => (
        <li key={chat.id}>
          <Link href={`/chats/${encodeURIComponent(chat.id)}`} className="overview-chat" dir="auto">
            {chat.title}
          </Link>
          <span className="overview-chat-about muted">
            <Link href={`/people/${encodeURIComponent(chat.user_id)}`} className="overview-user">
              {chat.user}
            </Link>
            <time dateTime={chat.at} title={exactTime(chat.at)}>
              {ago(chat.at)}
            </time>
          </span>
        </li>
      ))}
    </ul>
  );
}
