import "../../styles/people.css";
import { useParams as usePath } from "wouter";
import { PeopleList } from "./list";
import { Person } from "./person";

export default function Screen() {
  const [id, tab] = (usePath()["*"] ?? "").split("/");
  return id ? <Person key={id} id={id} tab={tab ?? ""} /> : <PeopleList />;
}
