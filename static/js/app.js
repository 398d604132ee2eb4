/* Makes pages nicer; nothing depends on it. ES2015. */
(function () {
  "use strict";
  var words = document.documentElement.lang === "en"
    ? { busy: "Sending…", left: "You may choose {n} more", over: "{n} too many; please take some back", full: "That is as many as you may choose",
      off: "The network is down and this was not saved. What you wrote is still here. When you are back online, please press once more; it will not count twice.",
      cut: "The network broke, so we do not know whether this was saved. What you wrote is still here. Please press once more; it will not count twice." }
    : { busy: "正在提交…", left: "还可以选 {n} 项", over: "多选了 {n} 项，请去掉一些", full: "已经选满",
      off: "网络断了，这一次没有存上。您写的还在这里。等有了网，请再点一次，不会重复。",
      cut: "网络断了，不知道存上没有。您写的还在这里。请再点一次，不会重复。" };

  /* WeChat's Back shows a stale page: ask the server again. */
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { window.location.reload(); }
  });

  /* A sentence beside the button, read aloud; the page and what was typed stay. */
  function tell(form, lines) {
    hush(form);
    var note = document.createElement("div");
    note.className = "notice refused told";
    note.setAttribute("role", "alert");
    lines.forEach(function (line) {
      var sentence = document.createElement("p");
      sentence.textContent = line;
      note.appendChild(sentence);
    });
    var place = form.querySelector(".btn-row") || form.querySelector("button:not([type=button])");
    if (place) { place.parentNode.insertBefore(note, place); } else { form.appendChild(note); }
    if (note.scrollIntoView) { note.scrollIntoView({ block: "center" }); }
  }
  function hush(form) {
    var note = form.querySelector(".told");
    if (note) { note.parentNode.removeChild(note); }
  }

  function release(form, button) {
    delete form.dataset.sent;
    if (button && button.dataset.words) { button.textContent = button.dataset.words; delete button.dataset.words; }
  }

  function go(target) {
    var here = window.location.href.replace(/#.*$/, "");
    var link = document.createElement("a");
    link.href = target;
    window.location.assign(link.href);
    /* Only the part behind "#" differs: the browser would not ask the server again. */
    if (link.hash && link.href.replace(/#.*$/, "") === here) { window.location.reload(); }
  }

  /* Sent behind the page where the browser can, so that a cut never takes away what was typed. */
  function send(form, button, again) {
    var body = new FormData(form);
    if (button && button.name) { body.append(button.name, button.value); }
    if (form.enctype !== "multipart/form-data") { body = new URLSearchParams(body); }
    window.fetch(form.getAttribute("action") || window.location.href, { method: "POST", body: body, credentials: "same-origin", headers: { "X-Stay": "1" } }).then(function (answer) {
      var target = answer.headers.get("X-Go-To");
      if (target) { go(target); return null; }
      if ((answer.headers.get("Content-Type") || "").indexOf("text/html") !== 0) { HTMLFormElement.prototype.submit.call(form); return null; }
      return answer.text().then(function (page) {
        if (answer.status < 500 && [400, 413, 429].indexOf(answer.status) < 0) {
          document.open(); document.write(page); document.close();
          window.scrollTo(0, 0);
          return;
        }
        /* A refusal that is no form: say its sentences here, and keep what was typed. */
        var said = new DOMParser().parseFromString(page, "text/html").querySelectorAll("main h1, main p:not(.lead)");
        again();
        tell(form, Array.prototype.map.call(said, function (one) { return one.textContent; }).filter(Boolean).slice(0, 3));
      });
    }).catch(function () {
      again();
      tell(form, [navigator.onLine === false ? words.off : words.cut]);
    });
  }
  function canStay(form, button) {
    return form.method === "post" && form.parentNode && document.getElementById("main").contains(form)
      && window.fetch && window.URLSearchParams && window.DOMParser && window.FormData && FormData.prototype.entries
      && !(button && button.hasAttribute("formaction"));
  }
  var pressed = null;
  document.addEventListener("click", function (event) {
    pressed = event.target.closest ? event.target.closest("button") : null;
  }, true);

  /* A double tap sends once. The button comes back if the page does. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.hasAttribute("hx-post") || form.hasAttribute("hx-get") || form.hasAttribute("data-download")) { return; }
    var button = event.submitter || (pressed && form.contains(pressed) ? pressed : form.querySelector("button:not([type=button])"));
    /* A file is the browser's own: asked for behind the page it would be asked for twice. */
    if (button && button.hasAttribute("data-download")) { return; }
    var stays = canStay(form, button);
    hush(form);
    if (stays && navigator.onLine === false) { event.preventDefault(); tell(form, [words.off]); return; }
    form.dataset.sent = "1";
    if (button && button.classList.contains("btn")) { button.dataset.words = button.textContent; button.textContent = words.busy; }
    function again() { window.clearTimeout(timer); release(form, button); }
    /* A photo on a thin line takes minutes; anything else may be pressed again after a while. */
    var timer = window.setTimeout(again, form.enctype === "multipart/form-data" ? 180000 : 20000);
    /* Other listeners, such as the drawn name, fill the form first. */
    if (stays) { event.preventDefault(); send(form, button, again); }
  });

  /* A long file leaves the page where it is: say what is going on, and when the file has come. */
  Array.prototype.forEach.call(document.querySelectorAll("form[data-wait]"), function (form) {
    var ticket = form.querySelector("[name=ticket]");
    var line = document.createElement("p");
    line.setAttribute("role", "status");
    form.insertBefore(line, form.firstChild);
    form.addEventListener("submit", function (event) {
      if (form.dataset.waiting) { event.preventDefault(); return; }
      form.dataset.waiting = "1";
      ticket.value = Math.random().toString(16).slice(2);
      line.textContent = form.dataset.wait;
      form.querySelector(".btn-row").hidden = true;
      var looking = window.setInterval(function () {
        if (document.cookie.indexOf("linyi_done=" + ticket.value) < 0) { return; }
        window.clearInterval(looking);
        line.textContent = form.dataset.done;
      }, 500);
    });
  });

  /* How many may still be chosen. The server checks; this only counts aloud. */
  Array.prototype.forEach.call(document.querySelectorAll("fieldset[data-max]"), function (set) {
    var most = Number(set.dataset.max);
    var line = document.createElement("p");
    line.className = "counter";
    line.setAttribute("role", "status");
    set.appendChild(line);
    function none() { return set.querySelector("input[value=none]"); }
    function count(event) {
      var chosen = set.querySelectorAll("input:checked:not([value=none])");
      var refusal = none();
      if (event && event.target === refusal && refusal.checked) {
        Array.prototype.forEach.call(chosen, function (box) { box.checked = false; });
        chosen = [];
      } else if (event && refusal && event.target.checked) { refusal.checked = false; }
      var left = most - chosen.length;
      var text = left > 0 ? words.left : left === 0 ? words.full : words.over;
      line.textContent = text.replace("{n}", Math.abs(left));
    }
    set.addEventListener("change", count);
    count();
  });

  /* Whoever works here is warned before a session ends that nobody has used for a while. */
  (function () {
    var box = document.getElementById("idle");
    if (!box || !window.fetch || !window.URLSearchParams || !window.FormData || !FormData.prototype.entries) { return; }
    var form = box.querySelector("form");
    var again = box.querySelector("a");
    var rests, stops, asking = false, over = false, shown = "";

    function count(left) {
      rests = Date.now() + left.idle * 1000;
      stops = Date.now() + left.longest * 1000;
    }
    function show(which, minutes) {
      if (which === shown && ["", "over", "failed"].indexOf(which) >= 0) { return; }
      shown = which;
      Array.prototype.forEach.call(box.querySelectorAll("[data-when]"), function (line) {
        var words = line.dataset.when === which ? line.dataset.words.replace("{n}", minutes) : "";
        line.hidden = !words;
        /* Written once a minute: it is read aloud each time. */
        if (line.textContent !== words) { line.textContent = words; }
      });
      form.hidden = which === "over" || which === "last";
      again.hidden = which !== "over";
      box.hidden = !which;
    }
    function ended() { over = true; show("over"); }
    function tell() {
      var left = Math.min(rests, stops) - Date.now();
      if (left <= 0) { ended(); return; }
      if (left > box.dataset.warn * 1000) { show(""); return; }
      if (shown !== "failed") { show(stops <= rests ? "last" : "rest", Math.ceil(left / 60000)); }
    }
    /* Another window may have gone on meanwhile: only the server knows. Asking is no use. */
    function ask() {
      if (asking) { return; }
      asking = true;
      window.fetch(form.getAttribute("action"), { credentials: "same-origin", redirect: "manual", cache: "no-store" }).then(function (answer) {
        if (answer.type === "opaqueredirect") { ended(); return null; }
        return answer.json().then(function (left) { count(left); tell(); });
      }).catch(tell).then(function () { asking = false; });
    }
    function look() {
      if (over) { return; }
      var left = Math.min(rests, stops) - Date.now();
      if (left > box.dataset.warn * 1000) { show(""); } else if (!shown || left <= 0) { ask(); } else { tell(); }
    }
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      event.stopPropagation();
      window.fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin", headers: { "X-Stay": "1" } }).then(function (answer) {
        if (answer.headers.get("X-Go-To")) { ended(); return null; }
        if (!answer.ok) { throw new Error(); }
        return answer.json().then(function (left) { count(left); shown = "rest"; tell(); back(); });
      }).catch(function () { show("failed"); });
    });
    /* Whoever was typing goes on typing. */
    var typing = null;
    document.addEventListener("focusin", function (event) {
      if (!box.contains(event.target)) { typing = event.target; }
    });
    function back() {
      if (box.hidden && typing && document.contains(typing)) { typing.focus(); }
    }
    count({ idle: Number(box.dataset.idle), longest: Number(box.dataset.longest) });
    look();
    window.setInterval(look, 10000);
    document.addEventListener("visibilitychange", function () {
      if (!document.hidden && shown && !over) { ask(); } else { look(); }
    });
  }());

  var summary = document.getElementById("error-summary");
  if (summary) { summary.focus(); }
}());
