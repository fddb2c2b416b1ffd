/* Copyright (c) 2026, the publica.la collection's authors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later */

"use strict";

/* What is wider than its place can be scrolled by the keyboard too, and only that is a stop of the
 * tabulator key. */
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
