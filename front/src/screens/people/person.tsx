import type { ReactNode } from "react";
import { Link } from "wouter";
import { address, useAsk } from "../../api";
import { compact, exactTime, number, time } from "../../format";
import { Answer, Badge, Empty, Page } from "../../parts/basic";
import { people } from "../../text/people";
import type { PersonTold } from "./api";
import { Chats } from "./chats";
import Personal from "./personal";
import Sessions from "./sessions";

const TABS = ["chats", "sessions", "personal", "settings"];

function Figure({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <div className="people-figure" title={hint}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Usage({ usage }: { usage: NonNullable<PersonTold["usage"]> }) {
  const { total, models } = usage;
  const words = people.usage;
  return (
    <>
      <dl className="people-figures">
        <Figure name={words.answers}>{number(total.answers)}</Figure>
        <Figure name={words.prompt} hint={number(total.promptTokens)}>
          {compact(total.promptTokens)}
        </Figure>
        <Figure name={words.completion} hint={number(total.completionTokens)}>
          {compact(total.completionTokens)}
        </Figure>
        <Figure name={words.cost} hint={words.costHint}>
          {total.cost === null ? words.none : Number(total.cost)}
        </Figure>
      </dl>
      {models.length ? (
        <details className="people-models">
          <summary>{words.models}</summary>
          <div className="scroll-x" role="group" tabIndex={0} aria-label={words.models}>
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{words.model}</th>
                  {[words.answers, words.prompt, words.completion, words.cost].map((name) => (
                    <th key={name} scope="col" className="number">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {models.map((each) => (
                  <tr key={each.model ?? ""}>
                    <td>{each.model ?? words.unknown}</td>
                    <td className="number">{number(each.answers)}</td>
                    <td className="number">{number(each.promptTokens)}</td>
                    <td className="number">{number(each.completionTokens)}</td>
                    <td className="number">{each.cost === null ? words.none : Number(each.cost)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      ) : null}
    </>
  );
}

function Settings({ settings }: { settings: PersonTold["settings"] }) {
  const words = people.settings;
  if (!settings) return <Empty title={words.none}>{words.noneHint}</Empty>;
  const rows: [string, ReactNode][] = [
    [words.theme, settings.theme],
    [words.language, settings.language],
    [words.defaultModel, settings.defaultModel],
    [words.enableSearchByDefault, settings.enableSearchByDefault ? words.yes : words.no],
    [words.maxSearchResults, settings.maxSearchResults],
    [words.updatedAt, time(settings.updatedAt)],
  ];
  return (
    <table className="plain people-settings">
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value ?? <span className="muted">{words.unset}</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Tab({ told, tab }: { told: PersonTold; tab: string }) {
  const userId = told.user.id;
  switch (tab) {
    case "sessions":
      return <Sessions userId={userId} />;
    case "personal":
      return <Personal userId={userId} />;
    case "settings":
      return <Settings settings={told.settings} />;
    default:
      return told.has_chats ? (
        <Chats userId={userId} />
      ) : (
        <Empty title={people.chats.noChats}>{people.chats.noChatsHint}</Empty>
      );
  }
}

function About({ user }: { user: PersonTold["user"] }) {
  const verified = user.email_verified;
  return (
    <div className="people-about">
      <span>{user.email}</span>
      <Badge
        tone={verified ? "good" : "neutral"}
        title={typeof verified === "string" ? exactTime(verified) : ""}
      >
        {verified ? people.verified : people.notVerified}
      </Badge>
      {user.is_admin ? <Badge tone="warn">{people.admin}</Badge> : null}
      <span className="muted" title={exactTime(user.created_at)}>
        {people.came}: {time(user.created_at)}
      </span>
      <span className="muted">
        {people.id}: <code>{user.id}</code>
      </span>
    </div>
  );
}

export function Person({ id, tab }: { id: string; tab: string }) {
  const asked = useAsk<PersonTold>(`people/${encodeURIComponent(id)}`, { keepPreviousData: false });
  const { data } = asked;
  const here = TABS.includes(tab) ? tab : "chats";
  const base = `/people/${encodeURIComponent(id)}`;
  return (
    <Page
      title={data?.user.name || data?.user.email || people.person}
      actions={
        data?.has_chats ? (
          <Link className="button button-plain people-search" href={address("/search", { user: id })}>
            {people.search}
          </Link>
        ) : null
      }
    >
      <Answer of={asked} lines={8}>
        {(told) => (
          <>
            <About user={told.user} />
            {told.usage?.total.answers ? <Usage usage={told.usage} /> : null}
            <nav className="people-tabs" aria-label={people.tabsName}>
              {TABS.map((name) => (
                <Link key={name} href={name === "chats" ? base : `${base}/${name}`} aria-current={name === here ? "page" : undefined}>
                  {people.tabs[name]}
                </Link>
              ))}
            </nav>
            <Tab told={told} tab={here} />
          </>
        )}
      </Answer>
    </Page>
  );
}
