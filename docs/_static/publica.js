/* Copyright (c) 2026, the publica.la collection's authors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later */

"use strict";

/* Make elements that scroll reachable by keyboard, and only these.
 */
function reachWhatScrolls() {
    for (const place of document.querySelectorAll("pre, .table-wrapper")) {
        if (place.scrollWidth > place.clientWidth) {
            place.tabIndex = 0;
        } else {
            place.removeAttribute("tabindex");
        }
    }
}

window.addEventListener("load", reachWhatScrolls);
window.addEventListener("resize", reachWhatScrolls);
