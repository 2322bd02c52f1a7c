// The folder that is searched in.

import { tell } from "/page/notice.js";
import { by, on } from "/page/server.js";

export class Folder {
  /** Calls `onChange` when the user chooses another. */
  constructor({ onChange }) {
    this.path = null; // of all photos
    on("folder", "change", ({ target }) => {
      this.path = target.value || null;
      onChange();
    });
  }

  /** Offer the folders that the server tells. Returns whether the one that is searched in is still there. */
  offer(folders) {
    const { path } = this;
    const option = ({ path, photos }) => {
      const parts = path.split("/");
      return new Option(`${"\u2003".repeat(parts.length - 1)}${parts.at(-1)} (${photos.toLocaleString("en")})`, path);
    };
    by("folder-label").hidden = !folders.length;
    by("folder").replaceChildren(new Option("All folders", ""), ...folders.map(option));
    this.choose(path);
    return this.path === path;
  }

  /** Search in a folder, null for all; one that has gone, as far as folders are known, is told. */
  choose(path) {
    this.path = path;
    by("folder").value = path ?? "";
    if (!by("folder").options.length || by("folder").selectedIndex >= 0) return;
    this.choose(null);
    tell("folder", new Error(`There is no folder ${path} any more: all photos are searched.`));
  }
}
