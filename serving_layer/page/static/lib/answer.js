// An answer of the API that is asked for again after commits; the last one stays while the next is under way.
import { access, call, urlOf } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./html.js";
import { commit } from "./live.js";

const LEAST_PAUSE = 1000; // between two requests of one view

const NOTHING = { url: null, data: null, error: null };

// path null: there is nothing to ask for. follow: ask again after each commit.
export function useAnswer(path, params, { follow = true } = {}) {
  const url = path === null ? null : urlOf(path, params);
  const [answer, setAnswer] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const last = useRef({ url: null, at: 0 });
  const reload = useCallback(() => setTurn((n) => n + 1), []);

  useEffect(() => {
    if (url === null) return setAnswer(NOTHING);
    const under = new AbortController();
    last.current = { url, at: performance.now() };
    call(path, { params, signal: under.signal }).then(
      (data) => setAnswer({ url, data, error: null }),
      (error) => {
        if (error.name === "AbortError") return;
        setAnswer((before) => ({ url, data: before.url === url ? before.data : null, error }));
      },
    );
    return () => under.abort();
  }, [url, turn]);

  useEffect(() => {
    if (url === null || !follow) return undefined;
    let timer = 0;
    const soon = () => {
      if (timer) return;
      const due = Math.max(0, last.current.at + LEAST_PAUSE - performance.now());
      timer = setTimeout(() => {
        timer = 0;
        if (!document.hidden) reload();
      }, due);
    };
    const ends = [commit.watch(soon), access.watch(({ asked }) => asked || soon())];
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [url, follow]);

  const isOwn = answer.url === url;
  return { data: isOwn ? answer.data : null, error: isOwn ? answer.error : null, reload };
}

// The records and hourly counts of items, by id.
export function useItems(ids, hours = 24) {
  const names = [...new Set(ids)].slice(0, 100);
  const { data } = useAnswer(names.length ? "/items" : null, { item: names, hours });
  const kept = useRef(new Map());
  if (data) kept.current = new Map(data.items.map((row) => [row.item_id, row]));
  return kept.current;
}
