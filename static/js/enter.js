/* The QR of a letter or a link carries its code behind "#", which no server sees. Put it into the
   form. ES2015. */
(function () {
  "use strict";
  var input = document.querySelector("input[name=code]");
  var field = input && input.closest(".field");
  var line = document.getElementById("code-read");

  function show(read) {
    if (!field || !line) { return; }
    field.hidden = read;
    line.hidden = !read;
  }

  function take() {
    var code = window.location.hash.replace(/^#/, "");
    if (!input || !/^[0-9A-Za-z-]{10,29}$/.test(code)) { return; }
    input.value = code.toUpperCase();
    window.history.replaceState(null, "", window.location.pathname + window.location.search);
    show(true);
  }

  if (line) {
    line.querySelector("button").addEventListener("click", function () {
      show(false);
      input.focus();
    });
  }
  take();
  /* One phone for several homes: another letter scanned into the same page changes the "#" alone. */
  window.addEventListener("hashchange", take);
}());
