import "../../styles/people.css";
import { useSegments } from "../../address";
import { PeopleList } from "./list";
import { Person } from "./person";

export default function Screen() {
  const [id, tab] = useSegments();
  return id ? <Person key={id} id={id} tab={tab ?? ""} /> : <PeopleList />;
}
