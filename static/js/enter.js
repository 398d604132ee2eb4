/* The letter's QR carries the code behind "#", which no server sees. Put it into the form. ES2015. */
(function () {
  "use strict";
  var code = window.location.hash.replace(/^#/, "");
  var input = document.querySelector("input[name=code]");
  if (!input || !/^[0-9A-Za-z-]{10,14}$/.test(code)) { return; }
  input.value = code.toUpperCase();
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  var field = input.closest(".field");
  var line = document.getElementById("code-read");
  if (!field || !line) { return; }
  field.hidden = true;
  line.hidden = false;
  line.querySelector("button").addEventListener("click", function () {
    field.hidden = false;
    line.hidden = true;
    input.focus();
  });
}());
