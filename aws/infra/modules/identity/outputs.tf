output "service_account_role_arns" {
  description = "Roles by service account of the application's namespace."
  value       = { for account in keys(local.service_accounts) : account => aws_iam_role.pod[account].arn }
}

output "addon_role_arns" {
  description = "Roles of EKS add-ons, by add-on."
  value = {
    "vpc-cni"                         = aws_iam_role.pod["aws-node"].arn
    "amazon-cloudwatch-observability" = aws_iam_role.pod["cloudwatch-agent"].arn
  }
}

output "role_arns" {
  description = "Roles of jobs: sagemaker, glue."
  value       = { for job, role in aws_iam_role.job : job => role.arn }
}

output "ci_role_arn" {
  description = "Role of the CI service; null without one."
  value       = one(aws_iam_role.ci[*].arn)
}

output "controllers" {
  description = "Helm charts that the cluster needs, by release."
  value = {
    aws-load-balancer-controller = {
      repository = "https://aws.github.io/eks-charts"
      chart      = "aws-load-balancer-controller"
      version    = "1.14.1"
      namespace  = "kube-system"
      values = {
        "clusterName"                                               = var.cluster_name
        "region"                                                    = var.place.region
        "vpcId"                                                     = var.vpc_id
        "serviceAccount.name"                                       = "aws-load-balancer-controller"
        "serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn" = aws_iam_role.pod["aws-load-balancer-controller"].arn
      }
    }
    cluster-autoscaler = {
      repository = "https://kubernetes.github.io/autoscaler"
      chart      = "cluster-autoscaler"
      version    = "9.59.0" # brings Cluster Autoscaler 1.35: its minor version must be that of kubernetes_version
      namespace  = "kube-system"
      values = {
        "autoDiscovery.clusterName"                                      = var.cluster_name
        "awsRegion"                                                      = var.place.region
        "rbac.serviceAccount.name"                                       = "cluster-autoscaler"
        "rbac.serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn" = aws_iam_role.pod["cluster-autoscaler"].arn
      }
    }
  }
}
