"""Stack traces in the notation of each language, by its name."""

from __future__ import annotations

STACKS = {
    "python": """Traceback (most recent call last):
  File "/app/shop/api.py", line 10, in handle
    charge(order)
  File "/usr/lib/python3.11/site-packages/requests/api.py", line 59, in request
    return session.request(method=method, url=url, **kwargs)
  File "/app/shop/pay.py", line 7, in charge
    raise Declined
shop.Declined: no""",
    "java": """com.shop.Declined: no
\tat com.shop.Pay.charge(Pay.java:12)
\tat org.springframework.web.Filter.doFilter(Filter.java:55)
\tat java.base/java.lang.Thread.run(Thread.java:829)
Caused by: java.io.IOException: x
\tat com.shop.Http.send(Http.java:3)
\t... 2 more""",
    "javascript": """Error: no
    at charge (/app/src/pay.js:12:5)
    at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)
    at async /app/src/api.js:3:1
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)""",
    "net": """Shop.Declined: no
   at Shop.Pay.Charge(Order order) in /src/Pay.cs:line 12
   at System.Threading.Tasks.Task.Wait()
   at Microsoft.AspNetCore.Http.X.Y()""",
    "go": """goroutine 1 [running]:
main.charge(0x1)
\t/app/pay.go:12 +0x1d
net/http.(*conn).serve(0xc0)
\t/usr/local/go/src/net/http/server.go:1 +0x2""",
    "ruby": "/app/pay.rb:12:in `charge'\n/usr/lib/ruby/gems/3.0/rack.rb:3:in `call'\n",
}
