// The table of views: a new one is one file and one line here.
import { Overview } from "./overview.js";
import { Trending } from "./trending.js";

export const VIEWS = {
  overview: { title: "Overview", View: Overview },
  trending: { title: "Trending", View: Trending, about: "What rises faster than chance, by the lower 5 % bound of how much its rate grew." },
};

export const GROUPS = [
  ["Now", ["overview", "trending"]],
];
