locals {
  # A picture each: title, statistic and metrics as CloudWatch writes them ([namespace, metric, dimension, value, ...]).
  pictures = concat(
    [
      { title = "Answers: latency, 95th percentile [ms]", stat = "p95", metrics = [[local.metric_namespace, "RequestLatency"]] },
      { title = "Answers and errors", stat = "Sum", metrics = [[local.metric_namespace, "Requests"], [local.metric_namespace, "ServerErrors"]] },
      { title = "Live accuracy", stat = "Minimum", metrics = [[local.metric_namespace, "LiveAccuracy", "Task", "basket"]] },
      { title = "Drift index", stat = "Maximum", metrics = [[local.metric_namespace, "DriftIndex", "Task", "basket"]] },
      { title = "Pods: CPU of what they may have [%]", stat = "Average", metrics = [concat(["ContainerInsights", "pod_cpu_utilization_over_pod_limit"], local.pod_dimensions)] },
      { title = "Pods: memory of what they may have [%]", stat = "Average", metrics = [concat(["ContainerInsights", "pod_memory_utilization_over_pod_limit"], local.pod_dimensions)] },
    ],
    var.load_balancer == "" ? [] : [
      { title = "Load balancer: latency, 95th percentile [s]", stat = "p95", metrics = [["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.load_balancer]] },
      { title = "Load balancer: errors", stat = "Sum", metrics = [for metric in ["HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"] : ["AWS/ApplicationELB", metric, "LoadBalancer", var.load_balancer]] },
    ],
  )
  pod_dimensions = flatten([for name, value in local.pods : [name, value]])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for index, picture in local.pictures : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = picture.title
          region  = var.place.region
          stat    = picture.stat
          period  = 300
          view    = "timeSeries"
          metrics = picture.metrics
        }
      }
    ]
  })
}
