import { Link } from "wouter";
import { address } from "../../api";
import { ago, exactTime, number, time } from "../../format";
import { Badge } from "../../parts/basic";
import { transcript } from "../../text/transcript";
import type { ChatTold, Share } from "./api";

const words = transcript;

function Fact({ name, hint, children }: { name: string; hint?: string; children: React.ReactNode }) {
  return (
    <div className="tr-fact" title={hint}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function stateOf(share: Share): "open" | "revoked" | "expired" {
  if (share.revokedAt) return "revoked";
  return share.expiresAt && Date.parse(share.expiresAt) < Date.now() ? "expired" : "open";
}

function Shares({ shares }: { shares: Share[] }) {
  if (!shares.length) return <>{words.noShares}</>;
  return (
    <span className="row tr-shares">
      {shares.map((share) => {
        const state = stateOf(share);
        const until = state === "open" && share.expiresAt ? words.shareUntil(time(share.expiresAt)) : "";
        return (
          <Badge key={share.id} tone={state === "open" ? "accent" : "neutral"} title={until}>
            {words.share[share.kind] ?? share.kind}, {words.shareState[state]}
          </Badge>
        );
      })}
    </span>
  );
}

export const personOf = (userId: string): string => `/people/${encodeURIComponent(userId)}`;

/** Whose chat it is, and what is known of it as a whole. */
export function Header({ told }: { told: ChatTold }) {
  const { chat, owner } = told;
  return (
    <div className="tr-about">
      <dl className="tr-facts">
        <Fact name={words.owner}>
          <Link href={personOf(owner.id)}>{owner.name || owner.email}</Link>
        </Fact>
        <Fact name={words.created}>
          <time dateTime={chat.created_at} title={exactTime(chat.created_at)}>
            {time(chat.created_at)}
          </time>
        </Fact>
        <Fact name={words.activity}>
          <time dateTime={chat.updated_at} title={exactTime(chat.updated_at)}>
            {ago(chat.updated_at)}
          </time>
        </Fact>
        {told.messages === null ? null : (
          <Fact name={words.count} hint={words.countHint}>
            {number(told.messages)}
          </Fact>
        )}
        <Fact name={words.revision} hint={words.revisionHint}>
          {number(chat.revision)}
        </Fact>
        {chat.deleted_at ? null : (
          <Fact name={words.shares}>
            <Shares shares={told.shares} />
          </Fact>
        )}
        {chat.is_pinned || chat.is_temporary ? (
          <span className="row">
            {chat.is_pinned ? <Badge tone="accent">{words.pinned}</Badge> : null}
            {chat.is_temporary ? <Badge tone="warn">{words.temporary}</Badge> : null}
          </span>
        ) : null}
      </dl>
      {chat.deleted_at ? (
        <p className="tr-trashed">
          <Badge tone="bad">{words.trashed}</Badge> {words.trashedHint(time(chat.deleted_at))}
        </p>
      ) : null}
    </div>
  );
}

/** The row of a chat or message in the tables' screen. */
export function rowOf(table: string | undefined, id: string): string {
  const filter = JSON.stringify([{ column: "id", op: "=", value: id }]);
  return table ? address(`/tables/public/${encodeURIComponent(table)}`, { filter }) : "/tables";
}
