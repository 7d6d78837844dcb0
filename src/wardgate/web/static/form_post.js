// The page of response_mode=form_post goes on by itself (OAuth 2.0 Form Post Response Mode, section 2). Where there are no
// scripts, its button does the same.
"use strict";

document.querySelector("form[data-go-on]")?.submit();
