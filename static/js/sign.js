/* Lets a name be drawn with a finger. Without it the plain button signs as well. ES2015. */
(function () {
  "use strict";
  var form = document.getElementById("sign-form");
  var canvas = document.getElementById("canvas");
  if (!form || !canvas || !window.SignaturePad) { return; }
  document.getElementById("pad").hidden = false;
  canvas.width = canvas.clientWidth;
  canvas.height = canvas.clientHeight;
  var pad = new window.SignaturePad(canvas, { minWidth: 1.5, maxWidth: 4, penColor: "#1c1f1d" });
  document.getElementById("clear").addEventListener("click", function () { pad.clear(); });
  form.addEventListener("submit", function () {
    var strokes = pad.toData().map(function (stroke) {
      return stroke.points.map(function (point) {
        return [Math.max(0, Math.round(point.x)), Math.max(0, Math.round(point.y))];
      });
    });
    form.querySelector("[name=drawing]").value = pad.isEmpty() ? "" : JSON.stringify(strokes);
  });
}());
