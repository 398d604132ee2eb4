"""What is measured on a page as a phone shows it: boxes, names, order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Every template a resident meets; `{poll}` and the like are filled in by `pages`.
RESIDENT = (
    "/e",
    "/c/HXL/",
    "/c/HXL/votes/",
    "{ballot}",
    "{result}",
    "/c/HXL/projects/",
    "/c/HXL/projects/P05",
    "{design}",
    "/c/HXL/projects/P10/rating",
    "/c/HXL/topics/",
    "{topic}",
    "/c/HXL/meetings/",
    "{meeting}",
    "/c/HXL/convention",
    "/c/HXL/convention/1/sign",
    "/c/HXL/propose",
    "/c/HXL/say?about=convention:2/1",
    "/c/HXL/inbox",
    "/c/HXL/mine",
    "/c/HXL/opinions/",
    "/c/HXL/board",
    "/c/HXL/bodies",
    "/c/HXL/standard",
    "/c/HXL/record",
    "/complaints",
    "/privacy",
    "/nowhere",
    "/staff/sign-in",
)
WITHIN = {
    "result": ("/c/HXL/votes/", "2026 年先办哪两件"),
    "topic": ("/c/HXL/topics/", "车位重划"),
    "meeting": ("/c/HXL/meetings/", "圆桌会"),
    "design": ("/c/HXL/projects/P05", "两种做法"),
}

SEEN = """
  const seen = e => {
    if (e.closest('.hide, .skip, .stack thead, .scroll')) return false;
    const folded = e.closest('details:not([open])');
    if (folded && !e.closest('summary')) return false;
    const b = e.getBoundingClientRect();
    return b.width > 1 && b.height > 1 && getComputedStyle(e).visibility !== 'hidden';
  };
  const word = e => e.tagName + ' ' + (e.textContent || e.name || '').trim().slice(0, 20);
  const PRESSED = 'a, button, summary, label.tick, label.choice, label.step, select, textarea,' +
    'input:not([type=hidden]):not([type=radio]):not([type=checkbox])';
"""
# What sticks out, is cut off, or lies over something else that can be pressed.
FIT = (
    "() => {"
    + SEEN
    + """
  const wide = document.documentElement.clientWidth, bad = [];
  if (document.documentElement.scrollWidth > wide)
    bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
  for (const e of document.querySelectorAll(
      PRESSED + ', h1, h2, h3, legend, label, th, td, dt, dd, .badge, .counter')) {
    if (!seen(e)) continue;
    const b = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (b.left < -1 || b.right > wide + 1) bad.push('out: ' + word(e));
    if (style.display !== 'inline' && !/INPUT|SELECT|TEXTAREA/.test(e.tagName)
        && (e.scrollWidth > e.clientWidth + 1
            || (style.overflow !== 'visible' && e.scrollHeight > e.clientHeight + 2)))
      bad.push('cut off: ' + word(e));
  }
  const all = [...document.querySelectorAll(PRESSED)]
    .filter(e => seen(e) && !e.closest('.bar-nav'));
  all.forEach((a, i) => all.slice(i + 1).forEach(c => {
    if (a.contains(c) || c.contains(a)) return;
    const p = a.getBoundingClientRect(), q = c.getBoundingClientRect();
    if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 2
        && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 2)
      bad.push('over each other: ' + word(a) + ' | ' + word(c));
  }));
  return bad; }"""
)
# What is too small for a thumb. A link inside a sentence is read, not aimed at (WCAG 2.5.8).
SMALL_TARGETS = (
    "least => {"
    + SEEN
    + """
  return [...document.querySelectorAll(PRESSED)].filter(seen)
    .filter(e => !(e.tagName === 'A' && getComputedStyle(e).display === 'inline'
      && e.parentElement.textContent.trim().length > e.textContent.trim().length + 3))
    .map(e => [e, e.getBoundingClientRect()])
    .filter(([e, b]) => b.height < least - .5 || b.width < 43.5)
    .map(([e, b]) => word(e) + ' ' + Math.round(b.width) + 'x' + Math.round(b.height)); }"""
)
# Buttons that sound alike and do different things; choices without a question; order; language.
SPOKEN = (
    "() => {"
    + SEEN
    + """
  const bad = [], does = {};
  for (const b of document.querySelectorAll('button')) {
    if (!seen(b)) continue;
    const name = b.getAttribute('aria-label') || b.textContent.trim();
    const form = b.closest('form');
    const what = (form && b.type === 'submit' ? form.getAttribute('action') : b.id) + b.value;
    if (!name) bad.push('a button without a name');
    if (name in does && does[name] !== what) bad.push('two buttons say ' + name);
    does[name] = what;
  }
  for (const r of document.querySelectorAll('input[type=radio]')) {
    const set = r.closest('fieldset'), legend = set && set.querySelector('legend');
    if (!legend || !legend.textContent.trim()) bad.push('a choice without a question');
  }
  for (const n of document.querySelectorAll('.summary-box, .told'))
    if (n.getAttribute('role') !== 'alert') bad.push('an error that is not read aloud');
  const language = document.documentElement.lang;
  if (language !== 'zh-Hans') bad.push('language ' + language);
  let last = -1;
  for (const e of document.querySelectorAll(
      'main h1, main h2, main h3, main p, main li, main .btn, main fieldset')) {
    if (!seen(e) || getComputedStyle(e).position === 'sticky') continue;
    const b = e.getBoundingClientRect();
    if (b.top < last - 2 && b.bottom < last) bad.push('read later than it is seen: ' + word(e));
    last = Math.max(last, b.top);
  }
  return bad; }"""
)


def pages(page: Page, ballot: str) -> list[str]:
    """The addresses of all templates a resident meets."""
    found = {"ballot": ballot}
    for name, (start, words) in WITHIN.items():
        page.goto(start)
        link = page.locator("main a").filter(has_text=words).first
        found[name] = link.get_attribute("href") or ""
    return [address.format(**found) for address in RESIDENT]


def names_missing(page: Page) -> list[str]:
    """What a screen reader would announce without a name."""
    tree: dict[str, Any] = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    roles = {"button", "link", "textbox", "checkbox", "radio", "combobox", "DisclosureTriangle"}
    return [
        node["role"]["value"]
        for node in tree["nodes"]
        if not node.get("ignored")
        and node["role"]["value"] in roles
        and not node.get("name", {}).get("value", "").strip()
    ]
