/* Makes pages nicer; nothing depends on it. ES2015. */
(function () {
  "use strict";
  var words = document.documentElement.lang === "en"
    ? { busy: "Sending…", left: "You may choose {n} more", over: "{n} too many; please take some back", full: "That is as many as you may choose", net: "The network is down. Nothing was saved. Please press again; it will not count twice." }
    : { busy: "正在提交…", left: "还可以选 {n} 项", over: "多选了 {n} 项，请去掉一些", full: "已经选满", net: "网络断了，这一次没有存上。请再点一次，不会重复计算。" };

  /* WeChat's Back shows a stale page: ask the server again. */
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { window.location.reload(); }
  });

  /* A double tap sends once. The button comes back if the page does. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.hasAttribute("hx-post") || form.hasAttribute("hx-get") || form.hasAttribute("data-download")) { return; }
    form.dataset.sent = "1";
    var button = event.submitter || form.querySelector("button");
    if (button && button.classList.contains("btn")) { button.dataset.words = button.textContent; button.textContent = words.busy; }
    window.setTimeout(function () {
      delete form.dataset.sent;
      if (button && button.dataset.words) { button.textContent = button.dataset.words; }
    }, 15000);
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

  var summary = document.getElementById("error-summary");
  if (summary) { summary.focus(); }

  document.addEventListener("htmx:sendError", function (event) {
    var note = document.createElement("p");
    note.className = "error-text";
    note.setAttribute("role", "alert");
    note.textContent = words.net;
    event.target.appendChild(note);
  });
}());
