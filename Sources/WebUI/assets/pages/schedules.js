// What begins by itself: the list of schedules, or one of them.
// @ts-check
import { schedulePage } from "./schedules/detail.js";
import { schedulesList } from "./schedules/list.js";

/** @param {import("../core/router.js").PageContext} context */
export default function schedulesPage({ params }) {
  return params.id ? schedulePage(params.id) : schedulesList();
}
