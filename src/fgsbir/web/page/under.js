// The picture under the paper, to be traced: a photo of the gallery, or an upload.

import { tell } from "/page/notice.js";
import { by, large, lost, on } from "/page/server.js";

export class Under {
  /** Calls `onChange` when another picture lies there; `renew` sends an upload that the server has forgotten again. */
  constructor({ onChange, renew }) {
    this.path = null; // photos/ID or uploads/ID
    Object.assign(this, { onChange, renew });
    on("under", "error", () => this.missing());
    on("lift-button", "click", () => {
      this.lay(null);
      by("pad").focus(); // else the focus would be lost with the button
    });
  }

  /** Lay a picture there; null takes it away. */
  lay(path) {
    this.path = path;
    by("under").hidden = by("lift-button").hidden = !path;
    if (path) by("under").src = path.startsWith("photos/") ? large(path.slice(7)) : `/${path}`;
    this.onChange();
  }

  /** It cannot be shown: the server has forgotten it, or it has gone. */
  async missing() {
    const { path } = this;
    const error = await lost(by("under"));
    if (!error || path !== this.path) return;
    const [kind, id] = path.split("/");
    const again = kind === "uploads" && !by("under").src.endsWith("?again") && (await this.renew(id));
    if (path !== this.path) return;
    if (again) by("under").src = `/${path}?again`;
    else {
      this.lay(null);
      tell("under", error);
    }
  }
}
