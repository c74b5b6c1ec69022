// The table of views: a new one is one file and one line here.
import { Generations } from "./generations.js";
import { Health } from "./health.js";
import { Insights } from "./insights.js";
import { Item } from "./item.js";
import { Lists } from "./lists.js";
import { Overview } from "./overview.js";
import { Pictures } from "./pictures.js";
import { Trending } from "./trending.js";
import { User } from "./user.js";
import { Verify } from "./verify.js";

export const VIEWS = {
  overview: { title: "Overview", View: Overview },
  trending: { title: "Trending", View: Trending, about: "What rises faster than chance, by the lower 5 % bound of how much its rate grew." },
  user: { title: "User", View: User, about: "What somebody did, what is recommended and why, and what one more event changes." },
  item: { title: "Item", View: Item, about: "What goes with it, with both parts of every sum." },
  pictures: { title: "Pictures", View: Pictures, about: "What looks like a picture that you send." },
  lists: { title: "Lists", View: Lists, about: "Items that somebody put together, and what suits them." },
  insights: { title: "Insights", View: Insights, about: "What merchandisers ask, each with an interval or the sentence that the data cannot tell." },
  generations: { title: "Generations", View: Generations, about: "What the batch layer published, how good it is, and which one serves." },
  health: { title: "Health", View: Health, about: "Every part, how fast it answers, and what to do." },
  verify: { title: "Verify", View: Verify, about: "Every merged answer equals a full recompute. Watch it being proved." },
};

export const GROUPS = [
  ["Now", ["overview", "trending"]],
  ["Look up", ["user", "item", "pictures", "lists"]],
  ["Understand", ["insights"]],
  ["Operate", ["generations", "health", "verify"]],
];
