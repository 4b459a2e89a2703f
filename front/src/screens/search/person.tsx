import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { address, useAsk } from "../../api";
import { Answer, Badge, Button } from "../../parts/basic";
import { search } from "../../text/search";
import type { PeoplePage, PersonTold } from "../people/api";

const PATIENCE = 200; // milliseconds after a key before the server is asked

/** Whose conversations are searched: somebody must be chosen first. */
export function ChoosePerson({ takesFocus, onChoose }: { takesFocus: boolean; onChoose: (id: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (takesFocus) field.current?.focus();
  }, []);
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), PATIENCE);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useAsk<PeoplePage>(address("people", { q: asked, limit: 8 }));
  return (
    <section className="search-who" aria-labelledby="search-who">
      <h2 id="search-who">{search.who}</h2>
      <p className="muted">{search.whoHint}</p>
      <input
        ref={field}
        type="search"
        aria-label={search.findPerson}
        placeholder={search.findPersonHint}
        value={text}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
      <Answer of={found} lines={4}>
        {(page) =>
          page.items.length ? (
            <ul className="search-people">
              {page.items.map((person) => (
                <li key={person.id}>
                  <Button kind="quiet" onClick={() => onChoose(person.id)}>
                    <span>{person.email}</span>
                    <span className="muted">{person.name}</span>
                  </Button>
                </li>
              ))}
            </ul>
          ) : (
            <p className="muted">{search.nobody}</p>
          )
        }
      </Answer>
    </section>
  );
}

/** Who was chosen, and how to choose somebody else. */
export function ChosenPerson({ id, onOther }: { id: string; onOther: () => void }) {
  const { data } = useAsk<PersonTold>(`people/${encodeURIComponent(id)}`, { keepPreviousData: false });
  return (
    <p className="search-person">
      <Badge>{search.person}</Badge>
      <Link href={`/people/${encodeURIComponent(id)}`}>{data?.user.email ?? id}</Link>
      <Button kind="quiet" onClick={onOther}>
        {search.otherPerson}
      </Button>
    </p>
  );
}
